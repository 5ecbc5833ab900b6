/**
 * Paired comparison of two models on the same rows, rows of one conversation kept together: the statistic is the sum of differences
 * over the sum of weights, d = sum(d_i) / sum(w_i), so that with token counts as weights it is the difference of the reported losses.
 * A permutation test flips, and a bootstrap draws, whole conversations.
 */
import { quantileSorted } from 'simple-statistics';
import { uniform } from '../../../shared/spec/uniform.ts';
import { detectable, LEVEL } from './tests.ts';

export interface Difference {
  /** Which conversation the row belongs to. */
  cluster: string;
  difference: number;
  weight: number;
}

export interface PairedResult {
  rows: number;
  clusters: number;
  difference: number;
  /** Of the sign-flip permutation test. */
  p: number;
  /** 95 % interval, percentile bootstrap. */
  low: number;
  high: number;
  standardError: number;
  /** What would have been seen (docs/compare.md). */
  detectable: number;
}

/** Up to so many conversations all sign flips are counted instead of drawn. */
const EXACT_CLUSTERS = 13;
export const DRAWS = 9_999;
/** Sums that differ by rounding alone count as equal. */
const SAME = 1 - 1e-12;

interface Clusters {
  sums: Float64Array;
  weights: Float64Array;
}

export function clustered(rows: readonly Difference[]): Clusters {
  const places = new Map<string, number>();
  for (const { cluster } of rows) if (!places.has(cluster)) places.set(cluster, places.size);
  const sums = new Float64Array(places.size);
  const weights = new Float64Array(places.size);
  for (const { cluster, difference, weight } of rows) {
    const place = places.get(cluster) as number;
    sums[place] = (sums[place] as number) + difference;
    weights[place] = (weights[place] as number) + weight;
  }
  return { sums, weights };
}

const total = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0);

/** Two-sided p of the sign-flip test: how often the sum is as far from 0 when every conversation's sign is a coin. */
export const signFlip = (sums: Float64Array, draws = DRAWS): number => signFlips([sums], draws)[0] as number;

/** Of several metrics of as many conversations: each is tested as by itself, the signs are drawn once for all. */
function signFlips(all: readonly Float64Array[], draws: number): number[] {
  const n = all[0]?.length ?? 0;
  const seen = all.map((sums) => Math.abs(total(sums)) * SAME);
  const signs = new Int8Array(n);
  const hits = new Float64Array(all.length);
  const count = () => {
    for (let t = 0; t < all.length; t += 1) {
      const sums = all[t] as Float64Array;
      let sum = 0;
      for (let k = 0; k < n; k += 1) sum += (signs[k] as number) * (sums[k] as number);
      if (Math.abs(sum) >= (seen[t] as number)) hits[t] = (hits[t] as number) + 1;
    }
  };
  if (n <= EXACT_CLUSTERS) {
    for (let mask = 0; mask < 2 ** n; mask += 1) {
      for (let k = 0; k < n; k += 1) signs[k] = (mask >>> k) & 1 ? 1 : -1;
      count();
    }
    return Array.from(hits, (one) => one / 2 ** n);
  }
  const next = uniform(1);
  for (let draw = 0; draw < draws; draw += 1) {
    for (let first = 0; first < n; first += 32) {
      const word = Math.floor(next() * 2 ** 32);
      for (let k = first; k < Math.min(n, first + 32); k += 1) signs[k] = (word >>> (k & 31)) & 1 ? 1 : -1;
    }
    count();
  }
  // The data as they are count as one draw (Phipson and Smyth 2010): p is never 0.
  return Array.from(hits, (one) => (one + 1) / (draws + 1));
}

/** 95 % percentile interval of the weighted difference, conversations drawn with replacement. */
export const bootstrapInterval = (one: Clusters, draws = DRAWS): [number, number] =>
  bootstrapIntervals([one], draws)[0] as [number, number];

/** Of several metrics of as many conversations, which are drawn once for all. */
function bootstrapIntervals(all: readonly Clusters[], draws: number): [number, number][] {
  const n = all[0]?.sums.length ?? 0;
  const next = uniform(2);
  const places = new Int32Array(n);
  const drawn = all.map(() => new Float64Array(draws));
  for (let draw = 0; draw < draws; draw += 1) {
    for (let k = 0; k < n; k += 1) places[k] = Math.floor(next() * n);
    for (const [t, { sums, weights }] of all.entries()) {
      let sum = 0;
      let weight = 0;
      for (let k = 0; k < n; k += 1) {
        const place = places[k] as number;
        sum += sums[place] as number;
        weight += weights[place] as number;
      }
      (drawn[t] as Float64Array)[draw] = sum / weight;
    }
  }
  return drawn.map((values) => {
    const sorted = Array.from(values.sort());
    return [quantileSorted(sorted, LEVEL / 2), quantileSorted(sorted, 1 - LEVEL / 2)];
  });
}

/** Cluster-robust standard error of a ratio of sums (linearised), with the small-sample factor n / (n - 1). */
export function clusterError({ sums, weights }: Clusters): number {
  const n = sums.length;
  if (n < 2) return Number.NaN;
  const all = total(weights);
  const ratio = total(sums) / all;
  let squares = 0;
  for (let k = 0; k < n; k += 1) squares += ((sums[k] as number) - ratio * (weights[k] as number)) ** 2;
  return Math.sqrt((squares * n) / (n - 1)) / all;
}

/** `rows` are not empty. */
export const pairedTest = (rows: readonly Difference[], draws = DRAWS): PairedResult =>
  pairedTests([rows], draws)[0] as PairedResult;

/** Each as by itself. Drawing costs more than adding up, so what has as many conversations shares its draws. */
export function pairedTests(all: readonly (readonly Difference[])[], draws = DRAWS): PairedResult[] {
  const clusters = all.map(clustered);
  const results = new Array<PairedResult>(all.length);
  const bySize = new Map<number, number[]>();
  for (const [k, { sums }] of clusters.entries())
    bySize.set(sums.length, [...(bySize.get(sums.length) ?? []), k]);
  for (const places of bySize.values()) {
    const alike = places.map((k) => clusters[k] as Clusters);
    const intervals = bootstrapIntervals(alike, draws);
    const ps = signFlips(
      alike.map(({ sums }) => sums),
      draws,
    );
    for (const [i, k] of places.entries())
      results[k] = resultOf(
        all[k]?.length ?? 0,
        alike[i] as Clusters,
        ps[i] as number,
        intervals[i] as [number, number],
      );
  }
  return results;
}

function resultOf(rows: number, clusters: Clusters, p: number, [low, high]: [number, number]): PairedResult {
  const standardError = clusterError(clusters);
  return {
    rows,
    clusters: clusters.sums.length,
    difference: total(clusters.sums) / total(clusters.weights),
    p,
    low,
    high,
    standardError,
    detectable: detectable(standardError),
  };
}
