import { Badge, Group, Skeleton, Text, UnstyledButton } from '@mantine/core';
import { useEffect, useMemo } from 'react';
import { specValue } from '../../../../electron/shared/spec/spec-fields.ts';
import { ErrorView } from '../../components/ErrorView.tsx';
import { formatBytes, formatEta } from '../../components/format.ts';
import { useStore } from '../../store/context.tsx';
import classes from './Compose.module.css';
import { type OrderedPreset, orderPresets } from './preset-order.ts';

/** Starting points, what suits the chosen model on this machine first. Model, dataset, name and device stay as they are. */
export function PresetGallery() {
  const presets = useStore((s) => s.presets);
  const fits = useStore((s) => s.presetFits);
  const error = useStore((s) => s.presetsError);
  const load = useStore((s) => s.loadPresets);
  const askFits = useStore((s) => s.fitPresets);
  const apply = useStore((s) => s.applyPreset);
  const model = useStore((s) => specValue(s.draft, 'model'));
  const data = useStore((s) => specValue(s.draft, 'dataset.train'));
  const device = useStore((s) => specValue(s.draft, 'device'));
  useEffect(() => void load(), [load]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: what a preset takes depends on these
  useEffect(() => {
    if (presets) void askFits();
  }, [presets, askFits, model, data, device]);
  const ordered = useMemo(() => orderPresets(presets ?? [], fits), [presets, fits]);
  if (error)
    return <ErrorView title="The presets could not be loaded" info={error} onRetry={() => void load()} />;
  return (
    <section
      aria-label="Presets"
      className={classes.presets}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
    >
      {presets === null && [0, 1, 2].map((key) => <Skeleton key={key} h={84} radius="md" />)}
      {ordered.map((one) => (
        <PresetCard key={one.preset.id} {...one} onClick={() => apply(one.preset)} />
      ))}
    </section>
  );
}

function PresetCard({ preset, fit, recommended, onClick }: OrderedPreset & { onClick: () => void }) {
  return (
    <UnstyledButton className={classes.preset ?? ''} onClick={onClick}>
      <Text size="sm" fw={550}>
        {preset.title}
      </Text>
      {recommended && (
        <Badge
          size="sm"
          variant="light"
          c="light-dark(var(--mantine-color-collie-8), var(--mantine-color-collie-2))"
        >
          Recommended
        </Badge>
      )}
      <Text size="xs" c="dimmed" lineClamp={3} title={preset.description}>
        {preset.description}
      </Text>
      {fit && (
        <Group gap={6} mt="auto" pt={4}>
          <Text size="xs" c={fit.verdict === 'does_not_fit' ? 'var(--collie-bad)' : 'dimmed'}>
            {fit.verdict === 'does_not_fit'
              ? `Does not fit: ${formatBytes(fit.totalBytes)}`
              : formatBytes(fit.totalBytes)}
            {fit.seconds !== null && fit.verdict !== 'does_not_fit' && `, ${formatEta(fit.seconds)}`}
          </Text>
        </Group>
      )}
    </UnstyledButton>
  );
}
