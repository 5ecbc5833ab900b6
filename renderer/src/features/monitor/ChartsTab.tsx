import { Stack } from '@mantine/core';
import { useMemo } from 'react';
import { ChartGroup } from '../../charts/ChartGroup.tsx';
import { ChartToolbar } from '../../charts/ChartToolbar.tsx';
import { xExtent } from '../../charts/chart-model.ts';
import { formatBytes, formatCount, formatValue } from '../../charts/format.ts';
import { MetricChart } from '../../charts/MetricChart.tsx';
import type { RunSeries } from '../../charts/run-series.ts';
import { useChartSettings } from '../../charts/use-chart-settings.ts';
import { formatInteger } from '../../components/format.ts';
import classes from './Monitor.module.css';
import { RanksCard } from './RanksCard.tsx';
import { rankLines } from './rank-grid.ts';
import { resumeMarks, runLines, xFormats } from './run-charts.ts';

interface Props {
  series: RunSeries;
  emptyText: string;
}

/** The curves of a run, under one cursor. */
export function ChartsTab({ series, emptyText }: Props) {
  const [settings, setSettings] = useChartSettings();
  const lines = useMemo(() => runLines(series, settings.x), [series, settings.x]);
  const ranks = useMemo(() => rankLines(series.ranks, settings.x), [series.ranks, settings.x]);
  const marks = useMemo(() => resumeMarks(series, settings.x), [series, settings.x]);
  // One extent for all, so that the cursor stands at the same place in each.
  const extent = useMemo(() => xExtent(Object.values(lines).flat()), [lines]);
  const x = xFormats[settings.x];
  const common = {
    xLabel: x.label,
    formatX: x.exact,
    formatXTick: x.tick,
    settings,
    marks,
    extent,
    height: 260,
    emptyText,
  };
  return (
    <ChartGroup>
      <Stack gap="md">
        <ChartToolbar settings={settings} onChange={setSettings} />
        <div className={classes.charts}>
          <div className={classes.wide}>
            <MetricChart
              {...common}
              title="Loss"
              lines={lines.loss}
              formatY={formatValue}
              values="positive"
            />
          </div>
          <MetricChart
            {...common}
            title="Gradient norm"
            lines={lines.gradNorm}
            formatY={formatValue}
            values="positive"
          />
          <MetricChart
            {...common}
            title="Learning rate"
            lines={lines.learningRate}
            formatY={formatValue}
            values="any"
            zero
          />
          <MetricChart
            {...common}
            title="Speed"
            lines={lines.speed}
            formatY={formatValue}
            formatTick={formatCount}
            values="any"
            zero
          />
          <MetricChart
            {...common}
            title="Memory"
            yKind="bytes"
            lines={lines.memory}
            formatY={formatBytes}
            values="any"
            zero
          />
          {series.ranks.length > 0 && (
            <>
              <div className={classes.wide}>
                <RanksCard points={series.ranks} />
              </div>
              <MetricChart
                {...common}
                title="Total rank"
                lines={ranks}
                formatY={formatInteger}
                values="any"
                zero
              />
            </>
          )}
        </div>
      </Stack>
    </ChartGroup>
  );
}
