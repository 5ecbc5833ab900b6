/** What became of the points of a sweep. Pure. */
import { liveStates, type RunState, type RunStatus } from '../../../../electron/shared/runs/events.ts';
import { PAUSED_AT_RUNG } from '../../../../electron/shared/runs/halving.ts';
import { runKey, type SweepCard } from '../../../../electron/shared/runs/sweep-record.ts';
import { specFields } from '../../../../electron/shared/spec/spec-fields.ts';
import { formatNumber } from '../../components/format.ts';

export interface Point {
  readonly key: string;
  readonly values: Readonly<Record<string, unknown>>;
  /** One a seed; null: the run has been removed. */
  readonly runs: readonly { id: string; seed: number | null; status: RunStatus | null }[];
  /** Evaluation losses of its runs, those of training where nothing is evaluated; of the runs that have one. */
  readonly losses: readonly number[];
  readonly mean: number | null;
  /** Over seeds; null for fewer than two. */
  readonly sd: number | null;
  /** All of its runs are complete. */
  readonly done: boolean;
}

export type Statuses = Readonly<Record<string, RunStatus>> | null;

export const pointKey = (values: Point['values']): string => runKey(values, null);

/** In the order of the sweep. */
export function pointsOf({ runs }: Pick<SweepCard, 'runs'>, statuses: Statuses): Point[] {
  const points = new Map<string, { values: Point['values']; runs: Point['runs'][number][] }>();
  for (const { id, values, seed } of runs) {
    const point = points.get(pointKey(values)) ?? { values, runs: [] };
    point.runs.push({ id, seed, status: statuses?.[id] ?? null });
    points.set(pointKey(values), point);
  }
  // One kind of loss for all: losses of training are not held against those of evaluations.
  const evaluated = runs.some(({ id }) => statuses?.[id]?.lastEvalLoss != null);
  return [...points].map(([key, point]) => {
    const losses = point.runs.flatMap(({ status }) => {
      const loss = evaluated ? status?.lastEvalLoss : status?.lastLoss;
      return loss === null || loss === undefined ? [] : [loss];
    });
    const mean = losses.length === 0 ? null : losses.reduce((a, b) => a + b, 0) / losses.length;
    const done = point.runs.every(({ status }) => status?.state === 'completed');
    return { key, ...point, losses, mean, sd: spread(losses), done };
  });
}

function spread(values: readonly number[]): number | null {
  if (values.length < 2) return null;
  const mean = values.reduce((a, b) => a + b, 0) / values.length;
  return Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1));
}

/** The lowest mean loss among points whose runs are all complete; before there is one, among all. */
export function bestPoint(points: readonly Point[]): Point | null {
  const measured = points.filter(({ mean }) => mean !== null);
  const done = measured.filter((point) => point.done);
  const [best = null] = (done.length > 0 ? done : measured).sort((a, b) => Number(a.mean) - Number(b.mean));
  return best;
}

/** It waits at a rung of successive halving, and goes on if it is among the best. */
export const isPaused = (status: RunStatus | null | undefined): boolean =>
  status?.state === 'stopped' && status.phase === PAUSED_AT_RUNG;

export interface Progress {
  readonly all: number;
  readonly completed: number;
  readonly live: number;
  readonly waiting: number;
  /** At a rung. */
  readonly paused: number;
  readonly stopped: number;
  readonly failed: number;
  readonly gone: number;
  /** Trained steps over all runs, 0..1. */
  readonly share: number;
}

export function progressOf({ runs }: Pick<SweepCard, 'runs'>, statuses: Statuses): Progress {
  const count = (test: (state: RunState | undefined) => boolean) =>
    runs.filter(({ id }) => test(statuses?.[id]?.state)).length;
  const paused = runs.filter(({ id }) => isPaused(statuses?.[id])).length;
  const shares = runs.map(({ id }) => {
    const status = statuses?.[id];
    if (status?.state === 'completed') return 1;
    return status?.totalSteps ? Math.min(1, status.step / status.totalSteps) : 0;
  });
  return {
    all: runs.length,
    completed: count((state) => state === 'completed'),
    live: count((state) => state !== undefined && liveStates.includes(state)),
    waiting: count((state) => state === 'queued'),
    paused,
    stopped: count((state) => state === 'stopped') - paused,
    failed: count((state) => state === 'failed'),
    gone: statuses === null ? 0 : count((state) => state === undefined),
    share: runs.length === 0 ? 0 : shares.reduce((a, b) => a + b, 0) / runs.length,
  };
}

/** "3 of 6 complete, 1 running, 2 waiting". */
export function progressText(progress: Progress): string {
  const { all, completed, live, waiting, paused, stopped, failed, gone } = progress;
  const rest = Object.entries({
    running: live,
    waiting,
    'paused at a rung': paused,
    stopped,
    failed,
    removed: gone,
  });
  const parts = rest.flatMap(([word, count]) => (count > 0 ? [`${count} ${word}`] : []));
  return [`${completed} of ${all} complete`, ...parts].join(', ');
}

/** "Learning rate" for its path; the path where several settings are called so. */
export function settingTitle(path: string): string {
  return specFields().find((field) => field.path === path)?.meta.title ?? path;
}

export function writtenValue(value: unknown): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return formatNumber(value);
  if (value === null) return 'none';
  return Array.isArray(value) ? value.join(', ') : String(value);
}

/** Settings of any point, in the order of the first that has them. */
export const sweptPaths = (points: readonly { values: Point['values'] }[]): string[] => [
  ...new Set(points.flatMap(({ values }) => Object.keys(values))),
];
