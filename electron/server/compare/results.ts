/** The result of a run in every metric under one rule, and groups of them beside the baseline. Pure. */
import { mean, sampleStandardDeviation } from 'simple-statistics';
import { callbackOfSet } from '../../shared/runs/callbacks.ts';
import {
  MACHINE_SOURCE,
  type ResultCell,
  type ResultRow,
  type ResultRule,
  STEPS_SOURCE,
} from '../../shared/runs/comparison.ts';
import { DEFAULT_SET } from '../../shared/runs/event-line.ts';
import { partOf } from '../../shared/runs/machine-metrics.ts';
import { type Metric, metricInfo } from '../../shared/runs/metrics.ts';
import { countUpTo, type Points } from '../../shared/runs/points.ts';
import { MAX_PHASES, type RunSeries } from '../../shared/runs/series.ts';

/** Where the values of a result end: the smallest extent of all runs, for the rules of equal work; else no limit. */
export interface Limit {
  tokens: number;
  seconds: number;
}

export const NO_LIMIT: Limit = { tokens: Number.POSITIVE_INFINITY, seconds: Number.POSITIVE_INFINITY };

export function limitOf(rule: ResultRule, series: readonly RunSeries[]): Limit {
  const extents = series
    .filter(({ steps }) => steps.length > 0)
    .map(({ steps }) => steps.place(steps.length - 1));
  const least = (axis: 'tokens' | 'seconds') => Math.min(...extents.map((place) => place[axis]));
  if (rule.kind === 'equal_tokens') return { ...NO_LIMIT, tokens: least('tokens') };
  if (rule.kind === 'equal_time') return { ...NO_LIMIT, seconds: least('seconds') };
  return NO_LIMIT;
}

export function ruleText(rule: ResultRule, limit: Limit): string {
  switch (rule.kind) {
    case 'last':
      return 'Results are the last value of each run.';
    case 'best':
      return 'Results are the best value of each run, the last where neither way is better.';
    case 'mean_last':
      return `Results are the mean of the last ${rule.count} values of each run.`;
    case 'equal_tokens':
      return `Results are the last value within ${limit.tokens} tokens, what the shortest run had.`;
    case 'equal_time':
      return `Results are the last value within ${Math.round(limit.seconds)} s of training, what the shortest run had.`;
  }
}

/** null: the run has no such value. */
export function resultOf(points: Points, metric: Metric, rule: ResultRule, limit: Limit): number | null {
  const within = Math.min(
    countUpTo(points.axis('tokens'), limit.tokens),
    countUpTo(points.axis('seconds'), limit.seconds),
  );
  const values = points.metric(metric.name).subarray(0, within);
  if (rule.kind === 'best' && metric.better !== null) return bestOf(values, metric.better);
  const lasts = lastOnes(values, rule.kind === 'mean_last' ? rule.count : 1);
  return lasts.length > 0 ? mean(lasts) : null;
}

function bestOf(values: Float64Array, better: 'lower' | 'higher'): number | null {
  let best = Number.NaN;
  for (const value of values)
    if (Number.isFinite(value) && !(better === 'lower' ? best <= value : best >= value)) best = value;
  return Number.isFinite(best) ? best : null;
}

/** At most `count` finite values from the end. */
function lastOnes(values: Float64Array, count: number): number[] {
  const found: number[] = [];
  for (let i = values.length - 1; i >= 0 && found.length < count; i -= 1) {
    const value = values[i] as number;
    if (Number.isFinite(value)) found.push(value);
  }
  return found;
}

export function pointsOf(series: RunSeries, source: string): Points | undefined {
  if (source === MACHINE_SOURCE) return series.monitors;
  return source === STEPS_SOURCE ? series.steps : series.evals[source];
}

const COST = new Set(['tokens/s', 'bytes', 'seconds', 'tokens']);
/** What a run took, rather than how good its model is. */
export const isCost = ({ unit, events }: Pick<Metric, 'unit' | 'events'>): boolean =>
  COST.has(unit) || events.includes('monitor');

/** Where values come from, evaluated sets first, and the metrics that some run has there; those of single ranks and GPUs are on the run's own page. */
export function sourcesOf(runs: readonly CostSource[]): { source: string; names: string[] }[] {
  const sets = new Set(runs.flatMap(({ series }) => Object.keys(series.evals)));
  const sources = [...sets, STEPS_SOURCE, MACHINE_SOURCE];
  return sources.map((source) => ({
    source,
    names: [...new Set(runs.flatMap(({ series }) => pointsOf(series, source)?.names ?? []))].filter(
      (name) => source !== MACHINE_SOURCE || partOf(name) === null,
    ),
  }));
}

const sourceTitles: Partial<Record<string, string>> = {
  [STEPS_SOURCE]: 'training',
  [MACHINE_SOURCE]: 'machine',
  [DEFAULT_SET]: 'evaluation',
};

export function rowTitle({ title }: Metric, source: string): string {
  const where = sourceTitles[source] ?? (callbackOfSet(source) === null ? source : 'callback');
  return `${title} (${where})`;
}

export interface Cost {
  name: string;
  title: string;
  unit: string;
  better: Metric['better'];
  of: (run: CostSource) => number | null;
}

/** Values that a comparison shows beside metrics: what a run took. */
export const costs: readonly Cost[] = [
  {
    name: 'train_seconds',
    title: 'Training time',
    unit: 'seconds',
    better: 'lower',
    of: ({ series }) => lastOf(series, 'seconds'),
  },
  {
    name: 'train_tokens',
    title: 'Tokens trained',
    unit: 'tokens',
    better: null,
    of: ({ series }) => lastOf(series, 'tokens'),
  },
  {
    name: 'mean_tokens_per_second',
    title: 'Mean speed',
    unit: 'tokens/s',
    better: 'higher',
    of: ({ series }) => {
      const [tokens, seconds] = [lastOf(series, 'tokens'), lastOf(series, 'seconds')];
      return tokens !== null && seconds ? tokens / seconds : null;
    },
  },
  {
    name: 'peak_memory',
    title: 'Peak memory',
    unit: 'bytes',
    better: 'lower',
    of: ({ series }) => bestOf(series.steps.metric('memory_peak_bytes'), 'higher'),
  },
  {
    name: 'adapter_bytes',
    title: 'Adapter size',
    unit: 'bytes',
    better: 'lower',
    of: ({ adapterBytes }) => adapterBytes,
  },
  {
    name: 'checkpoint_bytes',
    title: 'Checkpoint size',
    unit: 'bytes',
    better: 'lower',
    of: ({ checkpointBytes }) => checkpointBytes,
  },
];

export interface CostSource {
  series: RunSeries;
  /** Of its newest checkpoint; null: none yet. */
  checkpointBytes: number | null;
  /** Weights alone; null: none yet, or a run that trains the model itself. */
  adapterBytes: number | null;
}

/** What was done between two reports of a phase counts for the first. Empty where the beginning has been let go. */
export function phaseSeconds({ phases, lastTimeUs }: RunSeries): Map<string, number> {
  const seconds = new Map<string, number>();
  if (phases.length >= MAX_PHASES) return seconds;
  for (const [k, { name, timeUs }] of phases.entries()) {
    const end = phases[k + 1]?.timeUs ?? Math.max(lastTimeUs, timeUs);
    seconds.set(name, (seconds.get(name) ?? 0) + Math.max(0, end - timeUs) / 1e6);
  }
  return seconds;
}

/** A cost for each phase that some run went through: loading, training, evaluating, saving. */
function phaseCosts(runs: readonly CostSource[]): Cost[] {
  const of = new Map(runs.map((run) => [run, phaseSeconds(run.series)]));
  const names = new Set([...of.values()].flatMap((seconds) => [...seconds.keys()]));
  return [...names].map((name) => ({
    name: `phase ${name}`,
    title: `Phase: ${name.replaceAll('_', ' ')}`,
    unit: 'seconds',
    better: 'lower' as const,
    of: (run) => of.get(run)?.get(name) ?? null,
  }));
}

function lastOf({ steps }: RunSeries, axis: 'seconds' | 'tokens'): number | null {
  return steps.length > 0 ? steps.place(steps.length - 1)[axis] : null;
}

/** Mean and spread of a group; null without any value. */
export function cellOf(values: readonly (number | null)[]): Omit<ResultCell, 'delta' | 'better'> | null {
  const found = values.filter((value): value is number => value !== null);
  if (found.length === 0) return null;
  return { mean: mean(found), sd: found.length > 1 ? sampleStandardDeviation(found) : null, n: found.length };
}

function withDeltas(
  cells: readonly (Omit<ResultCell, 'delta' | 'better'> | null)[],
  baseline: number,
  better: Metric['better'],
): ResultRow['values'] {
  const base = cells[baseline] ?? null;
  return cells.map((cell, k) => {
    if (cell === null) return null;
    if (base === null || k === baseline) return { ...cell, delta: null, better: null };
    const delta = cell.mean - base.mean;
    return {
      ...cell,
      delta,
      better: better === null || delta === 0 ? null : delta < 0 === (better === 'lower'),
    };
  });
}

/** `groups` of runs, in the order of the report; `baseline` is the place of one of them. */
export function resultRows(
  groups: readonly (readonly CostSource[])[],
  baseline: number,
  rule: ResultRule,
  limit: Limit,
): ResultRow[] {
  const rows: ResultRow[] = [];
  for (const { source, names } of sourcesOf(groups.flat())) {
    for (const name of names) {
      const metric = metricInfo(name);
      const cells = groups.map((group) =>
        cellOf(
          group.map(({ series }) => {
            const points = pointsOf(series, source);
            return points ? resultOf(points, metric, rule, limit) : null;
          }),
        ),
      );
      if (cells.every((cell) => cell === null)) continue;
      rows.push({
        metric: name,
        source,
        title: rowTitle(metric, source),
        unit: metric.unit,
        better: metric.better,
        kind: isCost(metric) ? 'cost' : 'quality',
        values: withDeltas(cells, baseline, metric.better),
      });
    }
  }
  for (const { name, title, unit, better, of } of [...costs, ...phaseCosts(groups.flat())]) {
    const cells = groups.map((group) => cellOf(group.map(of)));
    if (cells.every((cell) => cell === null)) continue;
    const values = withDeltas(cells, baseline, better);
    rows.push({ metric: name, source: 'cost', title, unit, better, kind: 'cost', values });
  }
  return rows;
}
