/**
 * Exponential moving average with bias correction (as Adam corrects its moments, Kingma & Ba 2014): the first values
 * are not pulled to zero. `weight` in 0..1 is the share of the past; 0 returns the values. NaN stays NaN and does not
 * enter the average.
 */
export function smooth(values: ArrayLike<number>, weight: number): Float64Array {
  const out = Float64Array.from(values);
  if (weight <= 0) return out;
  const keep = Math.min(weight, 1 - 1e-6);
  let mean = 0;
  let correction = 1;
  for (let i = 0; i < out.length; i++) {
    const value = out[i] as number;
    if (!Number.isFinite(value)) continue;
    mean = keep * mean + (1 - keep) * value;
    correction *= keep;
    out[i] = mean / (1 - correction);
  }
  return out;
}

/** Up to so many points a smoothing is the weight itself. */
const PLAIN_POINTS = 1000;

/**
 * The weight for a smoothing in 0..1 and a line of so many points. The average looks back over 1 / (1 - weight) points; beyond a
 * thousand points that grows with their number, so that the same smoothing gives a line as calm, however long the run is.
 */
export function weightFor(smoothing: number, points: number): number {
  if (smoothing <= 0) return 0;
  return 1 - (1 - smoothing) / Math.max(1, points / PLAIN_POINTS);
}
