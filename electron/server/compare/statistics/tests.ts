/// <reference path="./jstat.d.ts" />
/** Tests of one number against no difference. Distributions are jStat's; every p is two-sided. Checked against SciPy and statsmodels. */
import jstat from 'jstat';
import { mean, sampleStandardDeviation } from 'simple-statistics';

const { binomial, normal, studentt } = jstat.jStat;

export const LEVEL = 0.05;
/** Chance with which a difference of the detectable size is seen. */
export const POWER = 0.8;

/**
 * Exact McNemar test (the binomial test of the discordant pairs): `won` rows are right only with one, `lost` only with the other.
 * The same as the sign test of a blind vote, ties left out. 1 without any discordant pair.
 */
export function exactMcNemar(won: number, lost: number): number {
  const n = won + lost;
  if (n === 0) return 1;
  return Math.min(1, 2 * binomial.cdf(Math.min(won, lost), n, 0.5));
}

/** p values after Holm's step-down correction (1979), in the order given: they hold together at the level of each. */
export function holm(ps: readonly number[]): number[] {
  const order = ps.map((_, i) => i).sort((a, b) => (ps[a] as number) - (ps[b] as number));
  const adjusted = new Array<number>(ps.length);
  let highest = 0;
  for (const [rank, i] of order.entries()) {
    highest = Math.max(highest, Math.min(1, (ps.length - rank) * (ps[i] as number)));
    adjusted[i] = highest;
  }
  return adjusted;
}

export interface TTest {
  /** Mean difference. */
  difference: number;
  p: number;
  low: number;
  high: number;
  degrees: number;
}

function tTest(difference: number, error: number, degrees: number): TTest {
  const half = tQuantile(degrees) * error;
  const p =
    error === 0 ? (difference === 0 ? 1 : 0) : 2 * studentt.cdf(-Math.abs(difference / error), degrees);
  return { difference, p, low: difference - half, high: difference + half, degrees };
}

/** Paired t test of differences, at least two: runs of the same seeds. */
export function pairedT(differences: readonly number[]): TTest {
  const n = differences.length;
  return tTest(mean([...differences]), sampleStandardDeviation([...differences]) / Math.sqrt(n), n - 1);
}

/** Welch's t test of b against a, at least two each: groups whose seeds do not match. */
export function welchT(a: readonly number[], b: readonly number[]): TTest {
  const [va, vb] = [a, b].map((x) => sampleStandardDeviation([...x]) ** 2 / x.length) as [number, number];
  const spread = va + vb;
  const degrees = spread === 0 ? 1 : spread ** 2 / (va ** 2 / (a.length - 1) + vb ** 2 / (b.length - 1));
  return tTest(mean([...b]) - mean([...a]), Math.sqrt(spread), degrees);
}

const quantiles = new Map<number, number>();

/** The two-sided 95 % quantile of the t distribution. */
function tQuantile(degrees: number): number {
  const known = quantiles.get(degrees) ?? studentt.inv(1 - LEVEL / 2, degrees);
  quantiles.set(degrees, known);
  return known;
}

/** Half the width of the 95 % interval of a mean (t distribution); null for one value, which has none. */
export function halfBand(values: readonly number[]): number | null {
  const n = values.length;
  if (n < 2) return null;
  return (tQuantile(n - 1) * sampleStandardDeviation([...values])) / Math.sqrt(n);
}

/** The smallest true difference that a two-sided test at 5 % sees with a chance of 80 %, given its standard error. */
export const detectable = (standardError: number): number =>
  (normal.inv(1 - LEVEL / 2, 0, 1) + normal.inv(POWER, 0, 1)) * standardError;
