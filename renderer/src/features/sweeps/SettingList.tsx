/** The settings that change, each with its values, and the choice of another. */
import { Select, Stack, Text, Title } from '@mantine/core';
import { useMemo } from 'react';
import { specFields, specValue } from '../../../../electron/shared/spec/spec-fields.ts';
import { newSetting, type SweptSetting } from '../../store/sweep-draft.ts';
import { sections } from '../compose/sections.ts';
import { SettingCard } from './SettingCard.tsx';
import classes from './Sweeps.module.css';

interface Props {
  readonly settings: readonly SweptSetting[];
  readonly spec: Readonly<Record<string, unknown>>;
  readonly grid: boolean;
  readonly onChange: (settings: readonly SweptSetting[]) => void;
}

/** They name a run, or are swept as seeds. */
const notSwept: readonly string[] = ['name', 'seed'];

export function SettingList({ settings, spec, grid, onChange }: Props) {
  const data = useMemo(() => choices(settings.map(({ path }) => path)), [settings]);
  return (
    <section className={classes.card} aria-labelledby="sweep-settings">
      <Title order={2} size="h4" mb="xs" id="sweep-settings">
        Settings that change
      </Title>
      <Stack gap="sm">
        {settings.map((setting, place) => (
          <SettingCard
            key={setting.path}
            setting={setting}
            grid={grid}
            onChange={(next) => onChange(settings.map((one, k) => (k === place ? next : one)))}
            onRemove={() => onChange(settings.filter((_, k) => k !== place))}
          />
        ))}
        {settings.length === 0 && (
          <Text size="sm" c="dimmed">
            Any setting can be swept: the learning rate first, most of the time.
          </Text>
        )}
        <Select
          aria-label="Add a setting"
          placeholder="Add a setting…"
          searchable
          maxDropdownHeight={320}
          value={null}
          data={data}
          onChange={(path) => path && onChange([...settings, newSetting(path, specValue(spec, path))])}
        />
      </Stack>
    </section>
  );
}

/** Every setting once, in the groups of the form. Those that only some methods or optimizers have are there too. */
function choices(taken: readonly string[]) {
  const seen = new Set([...notSwept, ...taken]);
  const fields = specFields();
  return sections.flatMap(({ title, fields: own }) => {
    const items = own.flatMap(({ path, meta }) => {
      if (seen.has(path)) return [];
      seen.add(path);
      const same = fields.filter((one) => one.meta.title === meta.title && one.path !== path);
      return [{ value: path, label: same.length > 0 ? `${meta.title} (${path})` : meta.title || path }];
    });
    return items.length === 0 ? [] : [{ group: title, items }];
  });
}
