/**
 * Picks the points of a long line that a chart of some pixels can show. For each pixel column the lowest and the
 * highest point are kept, so a spike of a single step never disappears (averages and LTTB may lose it).
 */

/**
 * Indices in rising order, at most `2 * buckets + 2`: first, last, and the minimum and maximum of every bucket.
 * `x` never falls; `from`..`to` (exclusive) is the visible part. Points with a y that is not finite are kept only when
 * they are the first of a gap, so that the line breaks there.
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
  if (count <= 2 * buckets) return Array.from({ length: count }, (_, i) => from + i);

  const first = x[from] as number;
  const span = (x[to - 1] as number) - first;
  const picked: number[] = [];
  const push = (index: number) => {
    if (picked.length === 0 || index > (picked.at(-1) as number)) picked.push(index);
  };
  push(from);
  let i = from;
  for (let bucket = 0; bucket < buckets && i < to; bucket++) {
    // The last bucket takes what rounding leaves.
    const end = bucket === buckets - 1 ? Number.POSITIVE_INFINITY : first + (span * (bucket + 1)) / buckets;
    let low = -1;
    let high = -1;
    let gap = -1;
    for (; i < to && (x[i] as number) <= end; i++) {
      const value = y[i] as number;
      if (!Number.isFinite(value)) {
        if (gap < 0) gap = i;
        continue;
      }
      if (low < 0 || value < (y[low] as number)) low = i;
      if (high < 0 || value > (y[high] as number)) high = i;
    }
    for (const index of [low, high, gap].filter((at) => at >= 0).sort((a, b) => a - b)) push(index);
  }
  push(to - 1);
  return picked;
}
