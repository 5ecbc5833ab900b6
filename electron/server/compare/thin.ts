/** Curves thinned out for drawing: of every stretch of x its lowest and its highest value stay, so that no spike is lost. Pure. */
export interface Thinned {
  x: number[];
  /** null: no value there. */
  y: (number | null)[];
}

/** `x` never falls. At most `most` points (at least 4). */
export function thinned(x: Float64Array, y: Float64Array, most: number): Thinned {
  const rows = Array.from(y.keys()).filter((k) => Number.isFinite(y[k]));
  if (rows.length <= most) return { x: rows.map((k) => x[k] as number), y: rows.map((k) => y[k] as number) };
  const buckets = Math.max(1, Math.floor((most - 2) / 2));
  const [first, last] = [x[rows[0] as number] as number, x[rows.at(-1) as number] as number];
  const kept = new Set([rows[0] as number, rows.at(-1) as number]);
  let at = 0;
  for (let bucket = 0; bucket < buckets; bucket += 1) {
    const end = bucket === buckets - 1 ? last : first + ((last - first) * (bucket + 1)) / buckets;
    let low = -1;
    let high = -1;
    for (; at < rows.length && (x[rows[at] as number] as number) <= end; at += 1) {
      const row = rows[at] as number;
      if (low < 0 || (y[row] as number) < (y[low] as number)) low = row;
      if (high < 0 || (y[row] as number) > (y[high] as number)) high = row;
    }
    if (low >= 0) kept.add(low).add(high);
  }
  const order = [...kept].sort((a, b) => a - b);
  return { x: order.map((k) => x[k] as number), y: order.map((k) => y[k] as number) };
}
