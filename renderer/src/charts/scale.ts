/** Ranges and ticks of an axis. Pure. */

export type ScaleKind = 'linear' | 'log';

/** The value below which `share` (0..1) of the finite values lie; NaN without any. */
export function percentile(values: ArrayLike<number>, share: number): number {
  return quantile(Float64Array.from(values).filter(Number.isFinite).sort(), share);
}

/** The same of finite values in rising order. */
function quantile(sorted: Float64Array, share: number): number {
  if (sorted.length === 0) return Number.NaN;
  const place = share * (sorted.length - 1);
  const low = Math.floor(place);
  const high = Math.min(low + 1, sorted.length - 1);
  const fraction = place - low;
  return (sorted[low] as number) * (1 - fraction) + (sorted[high] as number) * fraction;
}

export interface DomainWish {
  scale: ScaleKind;
  /** Leave out the highest and lowest percent, so that one outlier does not flatten the line. */
  clip: 'all' | 'percentile';
  /** Start a linear axis at zero. */
  zero?: boolean;
}

/** What the y axis shows: [low, high] with some room, or null without a value that can be drawn. */
export function yDomain(lines: readonly ArrayLike<number>[], wish: DomainWish): [number, number] | null {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const line of lines) {
    // The common case without a copy: lines may have 100,000 values.
    if (wish.clip === 'all') {
      for (let i = 0; i < line.length; i++) {
        const v = line[i] as number;
        if (!Number.isFinite(v) || (wish.scale === 'log' && v <= 0)) continue;
        if (v < low) low = v;
        if (v > high) high = v;
      }
      continue;
    }
    const usable = Float64Array.from(line)
      .filter((v) => Number.isFinite(v) && (wish.scale === 'linear' || v > 0))
      .sort();
    const clipped = usable.length >= 20;
    if (usable.length === 0) continue;
    low = Math.min(low, clipped ? quantile(usable, 0.01) : (usable[0] as number));
    high = Math.max(high, clipped ? quantile(usable, 0.99) : (usable.at(-1) as number));
  }
  if (low > high) return null;
  return wish.scale === 'log' ? padLog(low, high) : padLinear(low, high, wish.zero === true);
}

function padLog(low: number, high: number): [number, number] {
  const room = high / low < 1 + 1e-9 ? 1.5 : (high / low) ** 0.05;
  return [low / room, high * room];
}

function padLinear(low: number, high: number, zero: boolean): [number, number] {
  const from = zero ? Math.min(0, low) : low;
  // A constant that was averaged differs from itself by rounding errors: that is flat, too.
  const flat = high - from <= Math.abs(high) * 1e-9;
  const room = flat ? Math.abs(high) * 0.1 || 1 : (high - from) * 0.06;
  // A line that never goes below zero needs no room below zero.
  return [from >= 0 ? Math.max(0, from - (zero ? 0 : room)) : from - room, high + room];
}

/** About `count` round values inside the range. */
export function ticks([low, high]: readonly [number, number], scale: ScaleKind, count = 5): number[] {
  return scale === 'log' ? logTicks(low, high, count) : linearTicks(low, high, count);
}

/** About `count` values that are round in KiB, MiB or GiB. */
export function byteTicks([low, high]: readonly [number, number], count = 4): number[] {
  const unit = 1024 ** Math.max(0, Math.floor(Math.log(Math.max(1, high)) / Math.log(1024)));
  return linearTicks(low / unit, high / unit, count).map((tick) => tick * unit);
}

const timeSteps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 21_600, 43_200, 86_400];

/** About `count` round moments inside a range of seconds: minutes and hours instead of hundreds of seconds. */
export function timeTicks([low, high]: readonly [number, number], count = 5): number[] {
  const raw = (high - low) / count;
  if (!(raw >= 1)) return linearTicks(low, high, count);
  const step = timeSteps.find((s) => s >= raw) ?? Math.ceil(raw / 86_400) * 86_400;
  const out: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high; i++) out.push(i * step);
  return out;
}

function linearTicks(low: number, high: number, count: number): number[] {
  const span = high - low;
  // Marks closer than doubles can tell apart would never come to an end.
  if (!(span > Math.max(Math.abs(low), Math.abs(high)) * 1e-12)) return [low];
  const raw = span / count;
  const power = 10 ** Math.floor(Math.log10(raw));
  const unit = raw / power;
  const step = (unit <= 1 ? 1 : unit <= 2 ? 2 : unit <= 2.5 ? 2.5 : unit <= 5 ? 5 : 10) * power;
  const out: number[] = [];
  for (let i = Math.ceil(low / step); i * step <= high + step * 1e-9; i++) {
    out.push(Number((i * step).toPrecision(12)));
  }
  return out;
}

function logTicks(low: number, high: number, count: number): number[] {
  const decades = Math.log10(high / low);
  const first = Math.floor(Math.log10(low));
  const last = Math.ceil(Math.log10(high));
  if (decades < 0.7) return linearTicks(low, high, count);
  const stride = Math.max(1, Math.ceil(decades / (count * 2)));
  const marks = decades <= 2 ? [1, 2, 5] : [1];
  const out: number[] = [];
  for (let power = first; power <= last; power += stride) {
    for (const mark of marks) {
      const value = Number((mark * 10 ** power).toPrecision(12));
      if (value >= low && value <= high) out.push(value);
    }
  }
  return out.length >= 2 ? out : linearTicks(low, high, count);
}
