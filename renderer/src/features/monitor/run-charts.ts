/** Which charts a run has, by the registry of metrics, and how the numbers of their axes are written. Pure. */
import { callbackOfSet } from '../../../../electron/shared/runs/callbacks.ts';
import { DEFAULT_SET } from '../../../../electron/shared/runs/event-line.ts';
import { partOf } from '../../../../electron/shared/runs/machine-metrics.ts';
import {
  charts,
  type Metric,
  type MetricUnit,
  metricInfo,
  metrics,
  OTHER,
} from '../../../../electron/shared/runs/metrics.ts';
import { type Axis, countUpTo, type Points } from '../../../../electron/shared/runs/points.ts';
import type { RunSeries } from '../../../../electron/shared/runs/series.ts';
import type { ChartLine } from '../../charts/chart-model.ts';
import {
  formatCountTick,
  formatDuration,
  formatMetric,
  formatMetricTick,
  formatTimeTick,
} from '../../charts/format.ts';
import type { PlotMark } from '../../charts/LinesPlot.tsx';
import { formatInteger } from '../../components/format.ts';

export interface XFormat {
  label: string;
  exact: (x: number) => string;
  tick: (x: number) => string;
}

const epochs = (x: number) => String(Number(x.toFixed(3)));

export const xFormats: Record<Axis, XFormat> = {
  step: { label: 'Step', exact: formatInteger, tick: formatCountTick },
  tokens: { label: 'Tokens', exact: formatInteger, tick: formatCountTick },
  examples: { label: 'Examples', exact: formatInteger, tick: formatCountTick },
  epoch: { label: 'Epoch', exact: epochs, tick: epochs },
  seconds: { label: 'Time', exact: formatDuration, tick: formatTimeTick },
};

interface UnitFormat {
  exact: (value: number) => string;
  tick: (value: number) => string;
}

/** The same functions at every drawing, so that memoized charts see no change. */
const byUnit = new Map<MetricUnit, UnitFormat>();
export function unitFormats(unit: MetricUnit): UnitFormat {
  const made = byUnit.get(unit) ?? {
    exact: (value) => formatMetric({ unit }, value),
    tick: (value) => formatMetricTick({ unit }, value),
  };
  byUnit.set(unit, made);
  return made;
}

export interface RunChart {
  id: string;
  title: string;
  wide: boolean;
  /** Of its first line: unit, scale and so on hold for the whole chart. */
  metric: Metric;
  lines: ChartLine[];
}

export interface RunCharts {
  known: RunChart[];
  /** What was measured of the machine. */
  machine: RunChart[];
  /** Metrics that are not in the registry, one chart each. */
  other: RunChart[];
}

export function runCharts(series: RunSeries, axis: Axis): RunCharts {
  const drawn = (ofMachine: boolean, linesOf: LinesOf) =>
    charts.flatMap(({ id, title, wide = false, machine = false }) => {
      if (machine !== ofMachine) return [];
      const rows = metrics.filter((metric) => metric.chart === id);
      const lines = numbered(rows.flatMap((metric) => linesOf(series, metric, axis, rows.length > 1)));
      return lines.length === 0 ? [] : [{ id, title, wide, metric: rows[0] as Metric, lines }];
    });
  const all = new Set([series.steps, ...Object.values(series.evals)].flatMap(({ names }) => names));
  const other = [...all].map(metricInfo).filter(({ chart }) => chart === OTHER.id);
  return {
    known: drawn(false, metricLines),
    machine: drawn(true, machineLines),
    other: other.map((metric) => ({
      id: `${OTHER.id} ${metric.name}`,
      title: metric.title,
      wide: false,
      metric,
      lines: numbered(metricLines(series, metric, axis, false)),
    })),
  };
}

type LinesOf = (series: RunSeries, metric: Metric, axis: Axis, shared: boolean) => Line[];
type Line = Omit<ChartLine, 'color'>;

const colors = [1, 2, 3, 4, 5];

const numbered = (lines: Line[]): ChartLine[] =>
  lines.map((line, i) => ({
    ...line,
    color: `var(--chart-${colors[i % colors.length]})`,
    ...(i > 0 ? { dash: i % 2 === 1 ? '6 3' : '2 3' } : {}),
  }));

/** The training line, also while it has no point yet, then one for each evaluated set that has the metric. */
function metricLines({ steps, evals }: RunSeries, metric: Metric, axis: Axis, shared: boolean): Line[] {
  const { name } = metric;
  const own = metric.label ?? metric.title;
  const both = metric.events.length > 1;
  const trained = steps.length === 0 ? metric.events.includes('step') : steps.names.includes(name);
  const trainLabel = both && !shared ? 'Training' : own;
  const train: Line[] = trained
    ? [line(steps, name, axis, name, trainLabel, metric.noisy ? 'smoothed' : 'plain')]
    : [];
  const sets = Object.entries(evals).filter(([, points]) => points.names.includes(name));
  return [
    ...train,
    ...sets.map(([set, points]) => {
      const logged = callbackOfSet(set) !== null;
      const label = set === DEFAULT_SET ? 'Evaluation' : logged ? 'Callback' : set;
      const style = logged ? 'plain' : 'dots';
      return line(points, name, axis, `${set} ${name}`, shared ? `${own}, ${label}` : label, style);
    }),
  ];
}

/** Of all ranks or GPUs together, then of each where there are several. */
function machineLines({ monitors }: RunSeries, { name, label, title }: Metric, axis: Axis): Line[] {
  const own = monitors.names.includes(name)
    ? [line(monitors, name, axis, name, label ?? title, 'plain')]
    : [];
  const parts = monitors.names.filter((one) => partOf(one)?.whole === name);
  return [...own, ...parts.map((one) => line(monitors, one, axis, one, partOf(one)?.label ?? one, 'plain'))];
}

const line = (
  points: Points,
  name: string,
  axis: Axis,
  key: string,
  label: string,
  style: ChartLine['style'],
): Line => ({ key, label, x: points.axis(axis), y: points.metric(name), style });

/** Where the run was resumed, on the chosen axis. */
export function resumeMarks({ attempts, steps }: RunSeries, axis: Axis): PlotMark[] {
  return attempts
    .filter((attempt) => attempt.resumed_from_step > 0)
    .flatMap((attempt) => {
      const row = countUpTo(steps.axis('step'), attempt.resumed_from_step) - 1;
      return row < 0 ? [] : [{ x: steps.place(row)[axis], label: 'resumed' }];
    });
}
