import { Group, Stack, Text, Title } from '@mantine/core';
import { type ReactNode, useDeferredValue, useMemo } from 'react';
import { OTHER } from '../../../../electron/shared/runs/metrics.ts';
import type { RunSeries } from '../../../../electron/shared/runs/series.ts';
import { ChartGroup, ChartPlace } from '../../charts/ChartGroup.tsx';
import { ChartToolbar } from '../../charts/ChartToolbar.tsx';
import { xExtent } from '../../charts/chart-model.ts';
import { MetricChart } from '../../charts/MetricChart.tsx';
import { useChartSettings } from '../../charts/use-chart-settings.ts';
import { formatInteger } from '../../components/format.ts';
import { InlineCode } from '../../components/InlineCode.tsx';
import { MetricsMenu } from './MetricsMenu.tsx';
import classes from './Monitor.module.css';
import { RanksCard } from './RanksCard.tsx';
import { rankLines } from './rank-grid.ts';
import { type RunChart, resumeMarks, runCharts, unitFormats, xFormats } from './run-charts.ts';

const PLOT_HEIGHT = 260;
/** With its title, about. */
const PLACE_HEIGHT = 310;

interface Props {
  id: string;
  series: RunSeries;
  emptyText: string;
}

const GEMM_HINT =
  "Which share of this machine's matrix products a run reaches is shown where they were measured before it started: `collie bench gemm`.";

interface SectionProps {
  title: string;
  charts: ReactNode[];
  children?: ReactNode;
}

function Section({ title, charts, children }: SectionProps) {
  if (charts.length === 0) return null;
  return (
    <>
      <Title order={2} size="h5">
        {title}
      </Title>
      {children}
      <div className={classes.charts}>{charts}</div>
    </>
  );
}

/** The curves of a run, under one cursor. */
export function ChartsTab({ id, series, emptyText }: Props) {
  const [settings, setSettings] = useChartSettings();
  // The slider moves at once, the lines follow as fast as they can be drawn.
  const drawnSettings = useDeferredValue(settings);
  const { known, machine, other } = useMemo(() => runCharts(series, settings.x), [series, settings.x]);
  const measured = series.steps.length > 0 || Object.keys(series.evals).length > 0;
  const ranks = useMemo(() => rankLines(series.ranks, settings.x), [series.ranks, settings.x]);
  const marks = useMemo(() => resumeMarks(series, settings.x), [series, settings.x]);
  // One extent for all, so that the cursor stands at the same place in each.
  const extent = useMemo(
    () => xExtent([...known, ...machine, ...other].flatMap(({ lines }) => lines)),
    [known, machine, other],
  );
  const x = xFormats[settings.x];
  const common = {
    xLabel: x.label,
    formatX: x.exact,
    formatXTick: x.tick,
    settings: drawnSettings,
    marks,
    extent,
    height: PLOT_HEIGHT,
    emptyText,
  };
  const chart = ({ id, title, wide, metric, lines }: RunChart) => (
    <div key={id} className={wide ? classes.wide : undefined}>
      <ChartPlace name={id} height={PLACE_HEIGHT} later={measured}>
        <MetricChart
          {...common}
          title={title}
          lines={lines}
          formatY={unitFormats(metric.unit).exact}
          formatTick={unitFormats(metric.unit).tick}
          yKind={metric.unit.startsWith('bytes') ? 'bytes' : 'plain'}
          values={metric.scale === 'log' ? 'positive' : 'any'}
          zero={metric.scale === 'zero'}
        />
      </ChartPlace>
    </div>
  );
  return (
    <ChartGroup>
      <Stack gap="md">
        <Group justify="space-between" gap="sm">
          <ChartToolbar settings={settings} onChange={setSettings} />
          {measured && <MetricsMenu id={id} />}
        </Group>
        <div className={classes.charts}>
          {known.map(chart)}
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
        <Section title={OTHER.title} charts={other.map(chart)} />
        <Section title="Machine" charts={machine.map(chart)}>
          {!series.monitors.names.includes('gemm_share') && (
            <Text size="sm" c="dimmed">
              <InlineCode text={GEMM_HINT} />
            </Text>
          )}
        </Section>
      </Stack>
    </ChartGroup>
  );
}
