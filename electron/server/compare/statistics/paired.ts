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
export function signFlip(sums: Float64Array, draws = DRAWS): number {
  const n = sums.length;
  const seen = Math.abs(total(sums)) * SAME;
  const signs = new Uint32Array(Math.ceil(n / 32));
  const asFar = () => {
    let sum = 0;
    for (let k = 0; k < n; k += 1) {
      const sign = ((signs[k >> 5] as number) >>> (k & 31)) & 1;
      sum += sign === 1 ? (sums[k] as number) : -(sums[k] as number);
    }
    return Math.abs(sum) >= seen ? 1 : 0;
  };
  let hits = 0;
  if (n <= EXACT_CLUSTERS) {
    for (let mask = 0; mask < 2 ** n; mask += 1) {
      signs[0] = mask;
      hits += asFar();
    }
    return hits / 2 ** n;
  }
  const next = uniform(1);
  for (let draw = 0; draw < draws; draw += 1) {
    for (let word = 0; word < signs.length; word += 1) signs[word] = next() * 2 ** 32;
    hits += asFar();
  }
  // The data as they are count as one draw (Phipson and Smyth 2010): p is never 0.
  return (hits + 1) / (draws + 1);
}

/** 95 % percentile interval of the weighted difference, conversations drawn with replacement. */
export function bootstrapInterval({ sums, weights }: Clusters, draws = DRAWS): [number, number] {
  const n = sums.length;
  const next = uniform(2);
  const drawn = new Float64Array(draws);
  for (let draw = 0; draw < draws; draw += 1) {
    let sum = 0;
    let weight = 0;
    for (let k = 0; k < n; k += 1) {
      const place = Math.floor(next() * n);
      sum += sums[place] as number;
      weight += weights[place] as number;
    }
    drawn[draw] = sum / weight;
  }
  const sorted = Array.from(drawn.sort());
  return [quantileSorted(sorted, LEVEL / 2), quantileSorted(sorted, 1 - LEVEL / 2)];
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
export function pairedTest(rows: readonly Difference[], draws = DRAWS): PairedResult {
  const clusters = clustered(rows);
  const [low, high] = bootstrapInterval(clusters, draws);
  const standardError = clusterError(clusters);
  return {
    rows: rows.length,
    clusters: clusters.sums.length,
    difference: total(clusters.sums) / total(clusters.weights),
    p: signFlip(clusters.sums, draws),
    low,
    high,
    standardError,
    detectable: detectable(standardError),
  };
}
