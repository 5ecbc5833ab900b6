import { Group, MultiSelect, SegmentedControl, Stack, Switch, Text } from '@mantine/core';
import { useDeferredValue, useMemo, useState } from 'react';
import { ChartGroup, ChartPlace } from '../../charts/ChartGroup.tsx';
import { ChartToolbar } from '../../charts/ChartToolbar.tsx';
import { useChartSettings } from '../../charts/use-chart-settings.ts';
import classes from './Compare.module.css';
import { CompareChart } from './CompareChart.tsx';
import { chartChoices, choiceKey, defaultCharts } from './charts-of.ts';
import type { Compared } from './compared.ts';

/** A chart with its title, about. */
const PLACE_HEIGHT = 340;

/** Curves of all groups under one cursor. */
export function ChartsTab({ compared }: { compared: Compared }) {
  const [settings, setSettings] = useChartSettings();
  const drawn = useDeferredValue(settings);
  const [chosen, setChosen] = useState<string[] | null>(null);
  const [mode, setMode] = useState<'values' | 'difference'>('values');
  const [every, setEvery] = useState(false);
  const choices = useMemo(() => chartChoices(compared.report), [compared.report]);
  const keys = chosen ?? defaultCharts(choices);
  const shown = choices.filter((choice) => keys.includes(choiceKey(choice)));
  const several = compared.groups.some(({ runs }) => runs.length > 1);
  if (choices.length === 0)
    return (
      <Text c="dimmed" py="xl" ta="center">
        {compared.report.runs.length === 0 ? 'No run is left to draw.' : 'No run has measured anything yet.'}
      </Text>
    );
  return (
    <ChartGroup>
      <Stack gap="md">
        <ChartToolbar settings={settings} onChange={setSettings} />
        <Group gap="lg" align="center">
          <MultiSelect
            size="xs"
            w="min(560px, 100%)"
            aria-label="Charts"
            placeholder={keys.length === 0 ? 'Choose what to draw' : ''}
            data={choices.map((choice) => ({ value: choiceKey(choice), label: choice.title }))}
            value={keys}
            onChange={setChosen}
            searchable
            clearable
          />
          <SegmentedControl
            size="xs"
            aria-label="What is drawn"
            data={[
              { value: 'values', label: 'Values' },
              { value: 'difference', label: 'Difference to the baseline' },
            ]}
            value={mode}
            onChange={(value) => setMode(value as typeof mode)}
          />
          {several && (
            <Switch
              size="sm"
              label="Each run of a group"
              checked={every}
              onChange={(event) => setEvery(event.currentTarget.checked)}
            />
          )}
        </Group>
        <div className={classes.charts}>
          {shown.map((choice) => (
            <ChartPlace key={choiceKey(choice)} name={choiceKey(choice)} height={PLACE_HEIGHT}>
              <CompareChart
                compared={compared}
                choice={choice}
                settings={drawn}
                difference={mode === 'difference'}
                every={every}
              />
            </ChartPlace>
          ))}
        </div>
      </Stack>
    </ChartGroup>
  );
}
