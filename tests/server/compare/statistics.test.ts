/** Every statistic against SciPy or statsmodels (tests/fixtures/compare/make_statistics.py). */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import {
  bootstrapInterval,
  clusterError,
  clustered,
  type Difference,
  pairedTest,
  signFlip,
} from '../../../electron/server/compare/statistics/paired.ts';
import {
  detectable,
  exactMcNemar,
  halfBand,
  holm,
  pairedT,
  welchT,
} from '../../../electron/server/compare/statistics/tests.ts';

const reference = JSON.parse(
  readFileSync(join(import.meta.dirname, '../../fixtures/compare/statistics.json'), 'utf8'),
);
/** Of jStat's distributions. */
const CLOSE = 6;

describe('statistics', () => {
  it('exact McNemar', () => {
    for (const { won, lost, p } of reference.mcnemar) expect(exactMcNemar(won, lost)).toBeCloseTo(p, CLOSE);
  });

  it("Holm's correction", () => {
    for (const { ps, adjusted } of reference.holm)
      for (const [k, p] of holm(ps).entries()) expect(p).toBeCloseTo(adjusted[k], 12);
  });

  it('paired and Welch t tests, and the band of seeds', () => {
    for (const { a, b, paired, welch, half_band } of reference.t) {
      const k = Math.min(a.length, b.length);
      const p = pairedT(a.slice(0, k).map((value: number, i: number) => b[i] - value));
      const w = welchT(a, b);
      for (const [found, expected] of [
        [p, paired],
        [w, welch],
      ])
        for (const [i, value] of [found.p, found.low, found.high].entries())
          expect(value).toBeCloseTo(expected[i], CLOSE);
      expect(halfBand(a)).toBeCloseTo(half_band, CLOSE);
    }
    expect(halfBand([1])).toBeNull();
  });

  it('sign flips: exact for few conversations, within the error of the draws for many', () => {
    for (const { differences, p, exact } of reference.sign_flip)
      expect(Math.abs(signFlip(Float64Array.from(differences)) - p)).toBeLessThan(exact ? 1e-12 : 0.012);
  });

  it('percentile bootstrap of a weighted mean', () => {
    for (const { differences, weights, low, high } of reference.bootstrap) {
      const found = bootstrapInterval({
        sums: Float64Array.from(differences),
        weights: Float64Array.from(weights),
      });
      const width = high - low;
      expect(Math.abs(found[0] - low) / width).toBeLessThan(0.02);
      expect(Math.abs(found[1] - high) / width).toBeLessThan(0.02);
    }
  });

  it('standard error of a weighted mean, conversations kept together', () => {
    const { differences, weights, clusters, mean, error } = reference.cluster;
    const rows: Difference[] = differences.map((difference: number, k: number) => ({
      cluster: clusters[k],
      difference,
      weight: weights[k],
    }));
    expect(clusterError(clustered(rows))).toBeCloseTo(error, 10);
    const result = pairedTest(rows);
    expect(result.difference).toBeCloseTo(mean, 10);
    expect(result).toMatchObject({ rows: rows.length, clusters: new Set(clusters).size });
    // Taking the rows as independent would promise more than there is.
    const alone = rows.map((row, k) => ({ ...row, cluster: String(k) }));
    expect(clusterError(clustered(alone))).toBeLessThan(0.8 * error);
  });

  it('what would have been seen', () => {
    const { standard_error, detectable: expected, t_test_n_1000 } = reference.power;
    expect(detectable(standard_error)).toBeCloseTo(expected, 10);
    expect(detectable(1 / Math.sqrt(1000))).toBeCloseTo(t_test_n_1000, 3);
  });
});
