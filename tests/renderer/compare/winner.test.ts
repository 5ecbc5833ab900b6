/** The best of a comparison: by the first set that can be compared, in the direction of its metric. */
import { expect, it } from 'vitest';
import type { Tested, Verdict } from '../../../electron/shared/runs/comparison.ts';
import type { LookedGroup } from '../../../renderer/src/features/compare/compared.ts';
import { candidatesOf } from '../../../renderer/src/features/compare/VerdictPanel.tsx';
import { winnerOf } from '../../../renderer/src/features/compare/WinnerBar.tsx';

const groups = ['a', 'b', 'c'].map((key) => ({ key, baseline: key === 'a' })) as LookedGroup[];

const verdict = (
  candidate: string,
  set: string,
  outcome: Verdict['outcome'],
  difference = 0,
  better: Tested['better'] = 'lower',
): Verdict => ({
  candidate,
  set,
  outcome,
  sentence: '',
  notes: [],
  rows: 40,
  conversations: 40,
  seedNoise: 'unknown',
  tests: outcome === 'not_comparable' ? [] : [{ difference, better } as Tested],
});

it('leads by most in the direction of the metric', () => {
  const found = winnerOf(groups, [
    verdict('b', 'sums', 'better', 0.1, 'higher'),
    verdict('c', 'sums', 'better', 0.3, 'higher'),
  ]);
  expect(found).toMatchObject({ group: { key: 'c' }, sure: true, worseOn: [] });
  expect(
    winnerOf(groups, [verdict('b', 'eval', 'better', -0.1), verdict('c', 'eval', 'better', -0.3)])?.group.key,
  ).toBe('c');
});

it('is told by the first set that can be compared, and says on which it is worse', () => {
  const found = winnerOf(groups, [
    verdict('b', 'eval', 'not_comparable'),
    verdict('b', 'sums', 'better', 0.1, 'higher'),
    verdict('b', 'tone', 'worse', -0.1, 'higher'),
    verdict('c', 'eval', 'not_comparable'),
    verdict('c', 'sums', 'no_difference', 0, 'higher'),
  ]);
  expect(found).toMatchObject({ group: { key: 'b' }, sure: true, worseOn: ['tone'] });
});

it('is the baseline where nothing is better, and none where nothing can be compared', () => {
  expect(
    winnerOf(groups, [verdict('b', 'eval', 'worse', 1), verdict('c', 'eval', 'worse', 2)]),
  ).toMatchObject({
    group: { key: 'a' },
    sure: true,
  });
  expect(winnerOf(groups, [verdict('b', 'eval', 'no_difference')])).toMatchObject({
    group: { key: 'a' },
    sure: false,
  });
  expect(winnerOf(groups, [verdict('b', 'eval', 'not_comparable')])).toBeNull();
});

it('verdicts of a candidate stand together', () => {
  const all = [verdict('b', 'eval', 'better'), verdict('b', 'sums', 'worse'), verdict('c', 'eval', 'worse')];
  expect(candidatesOf(all).map((own) => own.map(({ set }) => set))).toEqual([['eval', 'sums'], ['eval']]);
});
