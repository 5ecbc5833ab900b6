/**
 * Exponential moving average with bias correction (as Adam corrects its moments, Kingma & Ba 2014): the first values
 * are not pulled to zero. `weight` in 0..1 is the share of the past; 0 returns the values. NaN stays NaN and does not
 * enter the average.
 */
export function smooth(values: ArrayLike<number>, weight: number): Float64Array {
  const out = Float64Array.from(values);
  if (weight <= 0) return out;
  const keep = Math.min(weight, 0.9999);
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
