/** What makes a group, which values are results, which evaluation the verdict reads; and more runs. */
import { MultiSelect, Select } from '@mantine/core';
import { useMemo } from 'react';
import type { ComparisonView } from '../../../../electron/shared/runs/comparison.ts';
import { specFields } from '../../../../electron/shared/spec/spec-fields.ts';
import { RunPicker } from './RunPicker.tsx';
import type { Comparison } from './use-comparison.ts';
import { ruleName, ruleOf } from './view-address.ts';

const rules = [
  { value: 'last', label: 'Last value' },
  { value: 'best', label: 'Best value' },
  { value: 'mean-10', label: 'Mean of the last 10' },
  { value: 'equal-tokens', label: 'At equal tokens' },
  { value: 'equal-time', label: 'At equal time' },
];

const records: { value: ComparisonView['record']; label: string }[] = [
  { value: 'last', label: 'Last evaluation' },
  { value: 'best', label: 'Best evaluation' },
  { value: 'first', label: 'First evaluation' },
];

/** Settings to group by: each once, though several variants may have it. */
function settingChoices() {
  const seen = new Map<string, string>();
  for (const { path, key, meta } of specFields()) if (!seen.has(path)) seen.set(path, meta.title || key);
  seen.delete('name');
  return [...seen].map(([value, title]) => ({ value, label: `${title} (${value})` }));
}

export function AddRuns({ comparison }: { comparison: Comparison }) {
  const { view, change } = comparison;
  if (!view) return null;
  return (
    <RunPicker
      size="xs"
      chosen={[]}
      without={view.runs}
      placeholder="Add runs"
      onChange={(added) => change({ runs: [...view.runs, ...added] })}
    />
  );
}

export function ViewControls({ comparison }: { comparison: Comparison }) {
  const settings = useMemo(settingChoices, []);
  const { view, change } = comparison;
  if (!view) return null;
  const rule = ruleName(view.rule);
  const known = rules.some(({ value }) => value === rule) ? rules : [...rules, { value: rule, label: rule }];
  return (
    <>
      <Select
        size="xs"
        w={170}
        aria-label="Groups"
        data={[
          { value: 'seeds', label: 'Seeds together' },
          { value: 'settings', label: 'Grouped by settings' },
          { value: 'runs', label: 'Every run alone' },
        ]}
        value={!view.grouped ? 'runs' : view.group_by.length > 0 ? 'settings' : 'seeds'}
        allowDeselect={false}
        onChange={(value) =>
          change({
            grouped: value !== 'runs',
            group_by: value === 'settings' ? ['optimizer.learning_rate'] : [],
          })
        }
      />
      {view.grouped && view.group_by.length > 0 && (
        <MultiSelect
          size="xs"
          w={280}
          aria-label="Group by"
          data={settings}
          value={view.group_by}
          searchable
          limit={60}
          onChange={(group_by) => change({ group_by })}
        />
      )}
      <Select
        size="xs"
        w={170}
        aria-label="Results"
        data={known}
        value={rule}
        allowDeselect={false}
        onChange={(value) => value && change({ rule: ruleOf(value) })}
      />
      <Select
        size="xs"
        w={160}
        aria-label="Verdict from"
        data={records}
        value={view.record}
        allowDeselect={false}
        onChange={(value) => value && change({ record: value as ComparisonView['record'] })}
      />
    </>
  );
}
