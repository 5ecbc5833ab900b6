/** One metric of all runs over one axis, and of all groups on one grid: means with a band, which can be subtracted. Pure. */
import type { Curves } from '../../shared/runs/comparison.ts';
import { countUpTo, type Points } from '../../shared/runs/points.ts';
import { halfBand } from './statistics/tests.ts';
import { thinned } from './thin.ts';

/** The finite values of a run: x never falls. */
export interface Line {
  id: string;
  x: Float64Array;
  y: Float64Array;
}

export type Window = readonly [number, number] | null;

export function lineOf(
  id: string,
  points: Points,
  metric: string,
  axis: Parameters<Points['axis']>[0],
): Line {
  const [x, y] = [points.axis(axis), points.metric(metric)];
  if (y.every(Number.isFinite)) return { id, x: x.subarray(0, y.length), y };
  const rows = Array.from(y.keys()).filter((k) => Number.isFinite(y[k]));
  return {
    id,
    x: Float64Array.from(rows, (k) => x[k] as number),
    y: Float64Array.from(rows, (k) => y[k] as number),
  };
}

/** What a window shows of a line, with one point beyond each end, so that it runs to the borders. */
function within({ id, x, y }: Line, window: Window): Line {
  if (window === null) return { id, x, y };
  const from = Math.max(0, countUpTo(x, window[0]) - 1);
  const to = Math.min(x.length, countUpTo(x, window[1]) + 1);
  return { id, x: x.subarray(from, to), y: y.subarray(from, to) };
}

interface Grid {
  x: Float64Array;
  /** Width of a place; 0: the places are those of the points themselves. */
  width: number;
}

/** All x that occur where these are few, else so many even places. */
function gridOf(lines: readonly Line[], most: number): Grid {
  if (lines.every(({ x }) => x.length <= most)) {
    const all = Float64Array.from(new Set(lines.flatMap(({ x }) => [...x]))).sort();
    if (all.length <= most) return { x: all, width: 0 };
  }
  const low = Math.min(...lines.map(({ x }) => x[0] as number));
  const high = Math.max(...lines.map(({ x }) => x.at(-1) as number));
  const width = ((high - low) / most) * (1 + 1e-9); // so that the last point lies in the last place
  return { x: Float64Array.from({ length: most }, (_, k) => low + (k + 0.5) * width), width };
}

/** The mean of what lies in each place of a grid; between two points the line, beyond its ends NaN. */
export function onGrid({ x, y }: Line, grid: Grid): Float64Array {
  return Float64Array.from(grid.x, (at) => {
    const from = grid.width > 0 ? lowerBound(x, at - grid.width / 2) : lowerBound(x, at);
    const to = grid.width > 0 ? lowerBound(x, at + grid.width / 2) : countUpTo(x, at);
    if (to > from) return meanOf(y, from, to);
    const [before, after] = [x[from - 1], x[from]];
    if (before === undefined || after === undefined) return Number.NaN;
    const [a, b] = [y[from - 1] as number, y[from] as number];
    return a + ((b - a) * (at - before)) / (after - before);
  });
}

/** Of the first value that is not below the limit. */
function lowerBound(sorted: Float64Array, limit: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((sorted[middle] as number) < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

function meanOf(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let k = from; k < to; k += 1) sum += values[k] as number;
  return sum / (to - from);
}

/**
 * `groups`: lines of the runs that have the metric. A mean is only where all runs of its group have a value: one over
 * fewer and fewer of them would jump where one ends.
 */
export function curvesOf(
  groups: readonly { key: string; lines: readonly Line[] }[],
  most: number,
  window: Window,
): Curves {
  const whole = groups.flatMap(({ lines }) => lines).filter(({ x }) => x.length > 0);
  const shown = whole.map((line) => within(line, window)).filter(({ x }) => x.length > 0);
  const grid = shown.length > 0 ? gridOf(shown, Math.max(2, Math.floor(most / 2))) : { x: [], width: 0 };
  const known = new Map(shown.map((line) => [line.id, line]));
  const runs = whole.flatMap(({ id, x }) => {
    const line = known.get(id);
    return line ? [{ id, points: x.length, ...thinned(line.x, line.y, most) }] : [];
  });
  return {
    runs,
    x: [...grid.x],
    groups: groups
      .filter(({ lines }) => lines.length > 0)
      .map(({ key, lines }) => {
        const values = lines.flatMap(({ id }) => {
          const line = known.get(id);
          return line ? [onGrid(line, grid as Grid)] : [];
        });
        return { key, ...band(values, lines.length, grid.x.length) };
      }),
    extent:
      whole.length > 0
        ? [
            Math.min(...whole.map(({ x }) => x[0] as number)),
            Math.max(...whole.map(({ x }) => x.at(-1) as number)),
          ]
        : null,
  };
}

function band(
  lines: readonly Float64Array[],
  n: number,
  length: number,
): Omit<Curves['groups'][number], 'key'> {
  const at = Array.from({ length }, (_, k) => lines.map((line) => line[k] as number));
  const full = at.map((values) => (values.length === n && values.every(Number.isFinite) ? values : null));
  const mean = full.map((values) => values && values.reduce((a, b) => a + b, 0) / n);
  if (n < 2) return { n, mean, low: null, high: null };
  const half = full.map((values) => values && halfBand(values));
  const end = (sign: 1 | -1) =>
    mean.map((value, k) => (value === null ? null : value + sign * (half[k] as number)));
  return { n, mean, low: end(-1), high: end(1) };
}
