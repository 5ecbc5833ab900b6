/** Importance of settings: it finds the one that matters, and says where there are too few runs to tell. */
import { expect, it } from 'vitest';
import { FEW_RUNS, importanceOf } from '../../../electron/server/compare/importance.ts';
import { uniform } from '../../support/random.ts';
import { factsOf } from './support.ts';

const many = (count: number) =>
  Array.from({ length: count }, (_, k) =>
    factsOf(`r${k}`, { rate: 1e-4 * 2 ** (k % 5), rank: [4, 8, 16, 32][(k * 7) % 4] ?? 4, seed: k % 3 }),
  );

it('finds the setting that decides the result, and which way it goes', () => {
  const runs = many(40);
  const next = uniform(5);
  const results = runs.map((_, k) => 3 - 0.4 * (k % 5) + 0.02 * next());
  const { settings, warning, runs: used } = importanceOf(runs, results);
  expect({ used, warning }).toEqual({ used: 40, warning: null });
  expect(settings[0]?.path).toBe('optimizer.learning_rate');
  expect(settings[0]?.importance).toBeGreaterThan(0.8);
  // Against the logarithm of the rate it is a straight line.
  expect(settings[0]?.correlation).toBeLessThan(-0.99);
  expect(settings.reduce((sum, { importance }) => sum + importance, 0)).toBeCloseTo(1, 9);
  expect(settings.map(({ path }) => path).sort()).toEqual(['method.rank', 'optimizer.learning_rate', 'seed']);
});

it('warns below 20 runs, and is the same when asked again', () => {
  const runs = many(FEW_RUNS - 1);
  const results = runs.map((_, k) => k % 5);
  expect(importanceOf(runs, results).warning).toContain('19 runs');
  expect(importanceOf(runs, results)).toEqual(importanceOf(runs, results));
});

it('is refused with three runs, without a difference, and leaves out runs that have no result', () => {
  const few = importanceOf(many(3), [1, 2, 3]);
  expect(few.settings).toEqual([]);
  expect(few.warning).toContain('at least four runs');
  expect(importanceOf(many(10), Array(10).fill(1)).settings).toEqual([]);
  const same = Array.from({ length: 6 }, (_, k) => factsOf(`s${k}`));
  expect(importanceOf(same, [1, 2, 3, 4, 5, 6]).settings).toEqual([]);
  const [torn, ...others] = many(6);
  expect(importanceOf([{ ...torn, spec: null } as never, ...others], [9, 1, 2, 3, 4, null]).runs).toBe(4);
});
