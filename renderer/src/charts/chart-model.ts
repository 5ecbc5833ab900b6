/** From lines of any length to what one chart draws: rows, axes and a summary in words. Pure. */
import { countUpTo, nearestIndex } from '../../../electron/shared/runs/points.ts';
import { minMaxIndices } from './downsample.ts';
import { byteTicks, type DomainWish, ticks, timeTicks, yDomain } from './scale.ts';
import { smooth } from './smooth.ts';

export interface ChartLine {
  key: string;
  label: string;
  /** A CSS colour, e.g. `var(--chart-1)`. */
  color: string;
  /** Dashes tell lines apart where colour does not. */
  dash?: string;
  /** Never falls. Same length as `y`. */
  x: Float64Array;
  y: Float64Array;
  /** `smoothed` lines are drawn averaged, with the measured values faint behind; `dots` marks every point. */
  style: 'smoothed' | 'plain' | 'dots';
}

export interface ChartWish extends DomainWish {
  /** EMA weight in 0..1 for lines of style `smoothed`. */
  smoothing: number;
  /** Visible part of x; null shows all. */
  window: readonly [number, number] | null;
  /** Width of the plot in pixels. */
  pixels: number;
  xKind: 'count' | 'time';
  yKind: 'plain' | 'bytes';
}

/** `x`, and per line its value under `key` and its average under `averageKey(key)`. */
export type ChartRow = Record<string, number | null>;
export const averageKey = (key: string) => `${key}:average`;

export interface ChartModel {
  rows: ChartRow[];
  xDomain: [number, number];
  yDomain: [number, number];
  xTicks: number[];
  yTicks: number[];
}

interface Prepared {
  line: ChartLine;
  from: number;
  to: number;
  average: Float64Array | null;
}

/** null: no point to draw. */
export function chartModel(lines: readonly ChartLine[], wish: ChartWish): ChartModel | null {
  const xDomain = wish.window ? ([...wish.window] as [number, number]) : xExtent(lines);
  if (!xDomain) return null;
  const prepared = lines.map((line) => prepare(line, xDomain, wish.smoothing));
  const domain = yDomain(
    prepared.flatMap(({ line, from, to, average }) => [
      line.y.subarray(from, to),
      ...(average ? [average.subarray(from, to)] : []),
    ]),
    wish,
  );
  if (!domain) return null;
  const xCount = Math.max(2, Math.min(8, wish.pixels / 90));
  return {
    rows: mergeRows(prepared, wish),
    xDomain,
    yDomain: domain,
    xTicks: wish.xKind === 'time' ? timeTicks(xDomain, xCount) : ticks(xDomain, 'linear', xCount),
    yTicks: wish.yKind === 'bytes' ? byteTicks(domain) : ticks(domain, wish.scale),
  };
}

export function xExtent(lines: readonly ChartLine[]): [number, number] | null {
  const firsts = lines.filter((l) => l.x.length > 0).map((l) => l.x[0] as number);
  const lasts = lines.filter((l) => l.x.length > 0).map((l) => l.x[l.x.length - 1] as number);
  if (firsts.length === 0) return null;
  const low = Math.min(...firsts);
  const high = Math.max(...lasts);
  return high > low ? [low, high] : [low - 0.5, high + 0.5];
}

function prepare(line: ChartLine, [low, high]: [number, number], smoothing: number): Prepared {
  // One point beyond each border, so that lines run to the edge of a zoomed chart.
  const from = Math.max(0, countUpTo(line.x, low) - 1);
  const to = Math.min(line.x.length, countUpTo(line.x, high) + 1);
  // Averaged over everything, not the visible part: zooming must not change a value.
  const average = line.style === 'smoothed' && smoothing > 0 ? smooth(line.y, smoothing) : null;
  return { line, from, to, average };
}

/** Rows for the union of the picked points; where a line has a value at the x of another's point, it is filled in. */
function mergeRows(prepared: readonly Prepared[], wish: ChartWish): ChartRow[] {
  const drawable = (value: number) => Number.isFinite(value) && (wish.scale === 'linear' || value > 0);
  const places = new Set<number>();
  // Each bucket gives up to two points: about one a pixel.
  const buckets = Math.max(16, Math.floor(wish.pixels / 2));
  for (const { line, from, to } of prepared) {
    for (const i of minMaxIndices(line.x, line.y, buckets, from, to)) places.add(line.x[i] as number);
  }
  return [...places]
    .sort((a, b) => a - b)
    .map((x) => {
      const row: ChartRow = { x };
      for (const { line, average } of prepared) {
        const i = exactIndex(line.x, x);
        if (i < 0) continue;
        const value = line.y[i] as number;
        row[line.key] = drawable(value) ? value : null;
        const mean = average?.[i];
        if (mean !== undefined) row[averageKey(line.key)] = drawable(mean) ? mean : null;
      }
      return row;
    });
}

function exactIndex(sorted: Float64Array, x: number): number {
  const i = countUpTo(sorted, x) - 1;
  return i >= 0 && sorted[i] === x ? i : -1;
}

/** The measured point of a line nearest to x, from the full data; null for an empty line. */
export function valueNear(line: ChartLine, x: number): { x: number; y: number } | null {
  const i = nearestIndex(line.x, x);
  return i < 0 ? null : { x: line.x[i] as number, y: line.y[i] as number };
}

export interface LineSummary {
  count: number;
  last: number;
  min: number;
  max: number;
}

export function summarize(y: ArrayLike<number>): LineSummary {
  let [count, last, min, max] = [0, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (let i = 0; i < y.length; i++) {
    const value = y[i] as number;
    if (!Number.isFinite(value)) continue;
    count++;
    last = value;
    if (value < min) min = value;
    if (value > max) max = value;
  }
  return { count, last, min, max };
}

/** What a chart shows, for those who do not see it: "Loss. Training: last 2.13, lowest 2.05, highest 4.1, 120 points." */
export function describeChart(
  title: string,
  lines: readonly ChartLine[],
  format: (value: number) => string,
): string {
  const parts = lines.map((line) => {
    const { count, last, min, max } = summarize(line.y);
    if (count === 0) return `${line.label}: no values yet.`;
    const points = count === 1 ? '1 point' : `${count} points`;
    return `${line.label}: last ${format(last)}, lowest ${format(min)}, highest ${format(max)}, ${points}.`;
  });
  return `${title}. ${parts.join(' ')}`;
}
