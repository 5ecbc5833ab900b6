import { Group, SegmentedControl, Select, Skeleton, Stack } from '@mantine/core';
import { useMemo, useState } from 'react';
import type { Verdict } from '../../../../electron/shared/runs/comparison.ts';
import { specFields } from '../../../../electron/shared/spec/spec-fields.ts';
import { ChartGroup } from '../../charts/ChartGroup.tsx';
import { useChartSettings } from '../../charts/use-chart-settings.ts';
import { xFormats } from '../monitor/run-charts.ts';
import { CompareChart } from './CompareChart.tsx';
import { CompareTable } from './CompareTable.tsx';
import { chartChoices, choiceKey } from './charts-of.ts';
import type { Compared, LookedGroup } from './compared.ts';
import { Lineage } from './Lineage.tsx';
import { TryOn } from './TryOn.tsx';
import type { TableRow } from './table-rows.ts';
import type { Answer } from './use-answer.ts';
import { VerdictPanel } from './VerdictPanel.tsx';
import { WinnerBar } from './WinnerBar.tsx';

interface Props {
  compared: Compared;
  verdicts: Answer<Verdict[]>;
  /** The results of long runs take a moment; all else is there. */
  complete: boolean;
}

/** What one wants to know first: which is better, how it went, what differed. */
export function OverviewTab({ compared, verdicts, complete }: Props) {
  return (
    <Stack gap="lg">
      <VerdictPanel compared={compared} verdicts={verdicts} />
      <WinnerBar compared={compared} verdicts={verdicts.data} />
      {complete ? <MainChart compared={compared} /> : <Skeleton h={300} aria-label="Reading the curves" />}
      <CompareTable compared={compared} act={useApply(compared)} />
      <Lineage compared={compared} />
    </Stack>
  );
}

function MainChart({ compared }: { compared: Compared }) {
  const choices = useMemo(() => chartChoices(compared.report), [compared.report]);
  const [key, setKey] = useState<string | null>(null);
  const [settings, setSettings] = useChartSettings();
  const choice = choices.find((one) => choiceKey(one) === key) ?? choices[0];
  if (!choice) return null;
  return (
    <section aria-label="Main chart">
      <Group gap="md" mb="xs">
        <Select
          size="xs"
          w={260}
          aria-label="Metric"
          data={choices.map((one) => ({ value: choiceKey(one), label: one.title }))}
          value={choiceKey(choice)}
          allowDeselect={false}
          searchable
          onChange={setKey}
        />
        <SegmentedControl
          size="xs"
          aria-label="Horizontal axis"
          data={Object.entries(xFormats).map(([value, { label }]) => ({ value, label }))}
          value={settings.x}
          onChange={(x) => setSettings({ ...settings, x: x as typeof settings.x })}
        />
      </Group>
      <ChartGroup key={settings.x}>
        <CompareChart
          compared={compared}
          choice={choice}
          settings={settings}
          difference={false}
          every={false}
          height={300}
        />
      </ChartGroup>
    </section>
  );
}

/** A differing setting of a group can be tried on another: the settings of that one, with this one changed. */
function useApply({ baseline, groups }: Compared): (row: TableRow, group: LookedGroup) => React.ReactNode {
  const paths = useMemo(() => new Set(specFields().map(({ path }) => path)), []);
  return (row, group) => {
    if (row.kind !== 'setting' || !row.differs || !baseline || !paths.has(row.key)) return null;
    const valueFor = (one: LookedGroup) => row.values[groups.indexOf(one)];
    const others = groups.filter((one) => valueFor(one) !== valueFor(group));
    return (
      <TryOn
        row={row}
        from={group}
        others={[...others].sort((a, b) => Number(b.baseline) - Number(a.baseline))}
      />
    );
  };
}
