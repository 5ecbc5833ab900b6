import { Skeleton, Text, UnstyledButton } from '@mantine/core';
import { useEffect } from 'react';
import { ErrorView } from '../../components/ErrorView.tsx';
import { useStore } from '../../store/context.tsx';
import classes from './Compose.module.css';

/** Starting points. Model, dataset, name and device stay as they are. */
export function PresetGallery() {
  const presets = useStore((s) => s.presets);
  const error = useStore((s) => s.presetsError);
  const load = useStore((s) => s.loadPresets);
  const apply = useStore((s) => s.applyPreset);
  useEffect(() => void load(), [load]);
  if (error)
    return <ErrorView title="The presets could not be loaded" info={error} onRetry={() => void load()} />;
  return (
    <section aria-label="Presets" className={classes.presets}>
      {presets === null && [0, 1, 2].map((key) => <Skeleton key={key} h={84} radius="md" />)}
      {presets?.map((preset) => (
        <UnstyledButton key={preset.id} className={classes.preset ?? ''} onClick={() => apply(preset)}>
          <Text size="sm" fw={550}>
            {preset.title}
          </Text>
          <Text size="xs" c="dimmed" lineClamp={3} title={preset.description}>
            {preset.description}
          </Text>
        </UnstyledButton>
      ))}
    </section>
  );
}
