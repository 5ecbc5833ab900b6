/**
 * Picks the points of a long line that a chart of some pixels can show. For each pixel column the lowest and the
 * highest point are kept, so a spike of a single step never disappears (averages and LTTB may lose it).
 */

/**
 * Indices in rising order, at most `2 * buckets + 2`: first, last, and the minimum and maximum of every bucket.
 * `x` never falls; `from`..`to` (exclusive) is the visible part. Values of y that are not finite are left out.
 */
export function minMaxIndices(
  x: ArrayLike<number>,
  y: ArrayLike<number>,
  buckets: number,
  from = 0,
  to = x.length,
): number[] {
  const count = to - from;
  if (count <= 0) return [];
  if (count <= 2 * buckets) {
    const all = Array.from({ length: count }, (_, i) => from + i);
    return all.filter((i) => Number.isFinite(y[i]));
  }

  const first = x[from] as number;
  const span = (x[to - 1] as number) - first;
  const picked: number[] = [];
  const push = (index: number) => {
    if (Number.isFinite(y[index]) && (picked.length === 0 || index > (picked.at(-1) as number)))
      picked.push(index);
  };
  push(from);
  let i = from;
  for (let bucket = 0; bucket < buckets && i < to; bucket++) {
    // The last bucket takes what rounding leaves.
    const end = bucket === buckets - 1 ? Number.POSITIVE_INFINITY : first + (span * (bucket + 1)) / buckets;
    let low = -1;
    let high = -1;
    for (; i < to && (x[i] as number) <= end; i++) {
      const value = y[i] as number;
      if (!Number.isFinite(value)) continue;
      if (low < 0 || value < (y[low] as number)) low = i;
      if (high < 0 || value > (y[high] as number)) high = i;
    }
    if (low < 0) continue;
    push(Math.min(low, high));
    push(Math.max(low, high));
  }
  push(to - 1);
  return picked;
}

/** At most `count + 1` indices at even steps, the first and the last of `from`..`to` (exclusive) among them. */
export function evenIndices(from: number, to: number, count: number): number[] {
  const stride = Math.max(1, Math.ceil((to - from) / count));
  const out: number[] = [];
  for (let i = from; i < to; i += stride) out.push(i);
  if (out.length > 0 && out.at(-1) !== to - 1) out.push(to - 1);
  return out;
}
