/** The result of a run in every metric under one rule, and groups of them beside the baseline. Pure. */
import { mean, sampleStandardDeviation } from 'simple-statistics';
import type { ResultCell, ResultRow, ResultRule } from '../../shared/runs/comparison.ts';
import { type Metric, metricInfo } from '../../shared/runs/metrics.ts';
import { countUpTo, type Points } from '../../shared/runs/points.ts';
import type { RunSeries } from '../../shared/runs/series.ts';

export const STEPS = 'steps';

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
  const values = Array.from(points.metric(metric.name).subarray(0, within)).filter(Number.isFinite);
  if (values.length === 0) return null;
  if (rule.kind === 'best' && metric.better !== null)
    return values.reduce((a, b) => (metric.better === 'lower' ? Math.min(a, b) : Math.max(a, b)));
  if (rule.kind === 'mean_last') return mean(values.slice(-rule.count));
  return values.at(-1) ?? null;
}

export function pointsOf(series: RunSeries, source: string): Points | undefined {
  return source === STEPS ? series.steps : series.evals[source];
}

const COST = new Set(['tokens/s', 'bytes', 'seconds', 'tokens']);

/** Values that a comparison shows beside metrics: what a run took. */
export const costs: readonly {
  name: string;
  title: string;
  unit: string;
  of: (run: CostSource) => number | null;
}[] = [
  {
    name: 'train_seconds',
    title: 'Training time',
    unit: 'seconds',
    of: ({ series }) => lastOf(series, 'seconds'),
  },
  {
    name: 'train_tokens',
    title: 'Tokens trained',
    unit: 'tokens',
    of: ({ series }) => lastOf(series, 'tokens'),
  },
  {
    name: 'mean_tokens_per_second',
    title: 'Mean speed',
    unit: 'tokens/s',
    of: ({ series }) => {
      const [tokens, seconds] = [lastOf(series, 'tokens'), lastOf(series, 'seconds')];
      return tokens !== null && seconds ? tokens / seconds : null;
    },
  },
  {
    name: 'peak_memory',
    title: 'Peak memory',
    unit: 'bytes',
    of: ({ series }) => {
      const values = series.steps.metric('memory_peak_bytes').filter(Number.isFinite);
      return values.length > 0 ? values.reduce((a, b) => Math.max(a, b)) : null;
    },
  },
  {
    name: 'checkpoint_bytes',
    title: 'Checkpoint size',
    unit: 'bytes',
    of: ({ checkpointBytes }) => checkpointBytes,
  },
];

export interface CostSource {
  series: RunSeries;
  checkpointBytes: number | null;
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
  const all = groups.flat();
  const sources = [...new Set(all.flatMap(({ series }) => Object.keys(series.evals))), STEPS];
  const rows: ResultRow[] = [];
  for (const source of sources) {
    const names = new Set(all.flatMap(({ series }) => pointsOf(series, source)?.names ?? []));
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
      const where = source === STEPS ? 'training' : source === 'eval' ? 'evaluation' : source;
      rows.push({
        metric: name,
        source,
        title: `${metric.title} (${where})`,
        unit: metric.unit,
        better: metric.better,
        kind: COST.has(metric.unit) ? 'cost' : 'quality',
        values: withDeltas(cells, baseline, metric.better),
      });
    }
  }
  for (const { name, title, unit, of } of costs) {
    const cells = groups.map((group) => cellOf(group.map(of)));
    if (cells.every((cell) => cell === null)) continue;
    const better = name === 'train_tokens' ? null : unit === 'tokens/s' ? 'higher' : 'lower';
    const values = withDeltas(cells, baseline, better);
    rows.push({ metric: name, source: 'cost', title, unit, better, kind: 'cost', values });
  }
  return rows;
}
