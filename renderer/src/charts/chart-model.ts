/** From lines of any length to what one chart draws: axes, points and a summary in words. Pure. */
import { countUpTo, nearestIndex } from '../../../electron/shared/runs/points.ts';
import { evenIndices, minMaxIndices } from './downsample.ts';
import { byteTicks, type DomainWish, ticks, timeTicks, yDomain } from './scale.ts';
import { smooth, weightFor } from './smooth.ts';

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
  /** What is averaged instead of x and y, where these are only the highs and lows of more points. */
  even?: { x: Float64Array; y: Float64Array };
  /** An interval around the line, drawn as a band. NaN: none there. */
  band?: { x: Float64Array; low: Float64Array; high: Float64Array };
  /** The cursor reads the nearest point: lines of several runs rarely have one at the same x. */
  nearest?: boolean;
}

export interface ChartWish extends DomainWish {
  /** 0..1 for lines of style `smoothed`; see `weightFor`. */
  smoothing: number;
  /** Visible part of x; null shows all. */
  window: readonly [number, number] | null;
  /** Width of the plot in pixels. */
  pixels: number;
  xKind: 'count' | 'time';
  yKind: 'plain' | 'bytes';
}

/** What the axes show. Nothing of it depends on the smoothing, so that moving that redraws only lines. */
export interface ChartFrame {
  xDomain: [number, number];
  yDomain: [number, number];
  xTicks: number[];
  yTicks: number[];
}

/** Places to draw, in units of the axes. */
export interface DrawnPoints {
  x: number[];
  y: number[];
}

export interface DrawnLine {
  line: ChartLine;
  measured: DrawnPoints;
  /** Of style `smoothed` only. */
  average: DrawnPoints | null;
  /** Lower ends, then upper ones, at the same x. */
  band: [DrawnPoints, DrawnPoints] | null;
}

/** null: no point to draw. An average lies between what it averages: the measured values say what y must show. */
export function chartFrame(
  lines: readonly ChartLine[],
  wish: Omit<ChartWish, 'smoothing'>,
): ChartFrame | null {
  const xDomain = wish.window ? withRoom(...wish.window) : xExtent(lines);
  if (!xDomain) return null;
  const visible = lines.flatMap((line) => {
    const [from, to] = visiblePart(line, xDomain);
    const { band } = line;
    const [start, end] = band ? visiblePart(band, xDomain) : [0, 0];
    const ends = band ? [band.low.subarray(start, end), band.high.subarray(start, end)] : [];
    return [line.y.subarray(from, to), ...ends];
  });
  const domain = yDomain(visible, wish);
  if (!domain) return null;
  const xCount = Math.max(2, Math.min(8, wish.pixels / 90));
  return {
    xDomain,
    yDomain: domain,
    xTicks: wish.xKind === 'time' ? timeTicks(xDomain, xCount) : ticks(xDomain, 'linear', xCount),
    yTicks: wish.yKind === 'bytes' ? byteTicks(domain) : ticks(domain, wish.scale),
  };
}

/** The points of each line that some pixels can show. */
export function drawnLines(
  lines: readonly ChartLine[],
  xDomain: readonly [number, number],
  { pixels, scale, smoothing }: Pick<ChartWish, 'pixels' | 'scale' | 'smoothing'>,
): DrawnLine[] {
  // Each bucket gives up to two points: about one a pixel.
  const buckets = Math.max(16, Math.floor(pixels / 2));
  const drawable = (value: number) => Number.isFinite(value) && (scale === 'linear' || value > 0);
  return lines.map((line) => {
    const [from, to] = visiblePart(line, xDomain);
    const measured = picked(line.x, line.y, minMaxIndices(line.x, line.y, buckets, from, to), drawable);
    const band = drawnBand(line, xDomain, drawable);
    if (line.style !== 'smoothed' || smoothing <= 0) return { line, measured, average: null, band };
    const { x, y } = line.even ?? line;
    const [start, end] = line.even ? visiblePart(line.even, xDomain) : [from, to];
    // Averaged over everything, not the visible part: zooming must not change a value.
    const averaged = smooth(y, weightFor(smoothing, y.length));
    // Its own samples: at the extremes of the noise it would be drawn where the noise is.
    return { line, measured, average: picked(x, averaged, evenIndices(start, end, buckets), drawable), band };
  });
}

function drawnBand(
  { band }: ChartLine,
  xDomain: readonly [number, number],
  drawable: (value: number) => boolean,
): DrawnLine['band'] {
  if (!band) return null;
  const { x, low, high } = band;
  const [from, to] = visiblePart(band, xDomain);
  const rows = Array.from({ length: to - from }, (_, k) => from + k).filter(
    (k) => drawable(low[k] as number) && drawable(high[k] as number),
  );
  if (rows.length < 2) return null;
  const places = rows.map((k) => x[k] as number);
  return [
    { x: places, y: rows.map((k) => low[k] as number) },
    { x: places, y: rows.map((k) => high[k] as number) },
  ];
}

function picked(
  x: Float64Array,
  y: Float64Array,
  indices: readonly number[],
  drawable: (value: number) => boolean,
): DrawnPoints {
  const kept = indices.filter((i) => drawable(y[i] as number));
  return { x: kept.map((i) => x[i] as number), y: kept.map((i) => y[i] as number) };
}

export function xExtent(lines: readonly ChartLine[]): [number, number] | null {
  const firsts = lines.filter((l) => l.x.length > 0).map((l) => l.x[0] as number);
  const lasts = lines.filter((l) => l.x.length > 0).map((l) => l.x[l.x.length - 1] as number);
  if (firsts.length === 0) return null;
  const low = Math.min(...firsts);
  const high = Math.max(...lasts);
  return withRoom(low, high);
}

/** One evaluation alone has a place in the middle. */
const withRoom = (low: number, high: number): [number, number] =>
  high > low ? [low, high] : [low - 0.5, high + 0.5];

/** One point beyond each border, so that lines run to the edge of a zoomed chart. */
function visiblePart({ x }: Pick<ChartLine, 'x'>, [low, high]: readonly [number, number]): [number, number] {
  return [Math.max(0, countUpTo(x, low) - 1), Math.min(x.length, countUpTo(x, high) + 1)];
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

/** Of columns that a page shows more than once; they never change. */
const summaries = new WeakMap<ArrayLike<number>, LineSummary>();

export function summarize(y: ArrayLike<number>): LineSummary {
  const known = summaries.get(y);
  if (known) return known;
  const summary = summaryOf(y);
  summaries.set(y, summary);
  return summary;
}

function summaryOf(y: ArrayLike<number>): LineSummary {
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

/** Lines that a description tells of: nobody listens to a hundred. */
const MOST_DESCRIBED = 8;

/** What a chart shows, for those who do not see it: "Loss. Training: last 2.13, lowest 2.05, highest 4.1, 120 points." */
export function describeChart(
  title: string,
  lines: readonly ChartLine[],
  format: (value: number) => string,
): string {
  const parts = lines.slice(0, MOST_DESCRIBED).map((line) => {
    const { count, last, min, max } = summarize(line.y);
    if (count === 0) return `${line.label}: no values yet.`;
    const points = count === 1 ? '1 point' : `${count} points`;
    return `${line.label}: last ${format(last)}, lowest ${format(min)}, highest ${format(max)}, ${points}.`;
  });
  const more = lines.length - parts.length;
  if (more > 0) parts.push(`And ${more} more ${more === 1 ? 'line' : 'lines'}; the table has them all.`);
  return `${title}. ${parts.join(' ')}`;
}
