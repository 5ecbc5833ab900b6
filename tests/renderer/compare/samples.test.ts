/** Samples side by side, logs, and further seeds. */
import { describe, expect, it } from 'vitest';
import { logDiff, plainLine } from '../../../renderer/src/features/compare/log-diff.ts';
import { newSeeds } from '../../../renderer/src/features/compare/SeedsDialog.tsx';
import {
  ballots,
  commonSteps,
  samplePairs,
  wordDiff,
} from '../../../renderer/src/features/compare/sample-pairs.ts';

describe('samples', () => {
  const sample = (step: number, prompt: string, text: string) => ({
    step,
    promptIndex: prompt === 'p' ? 0 : 1,
    prompt,
    text,
    finish: 'stop' as const,
  });
  const pairs = samplePairs(
    { samples: [sample(0, 'p', 'one two'), sample(5, 'p', 'same'), sample(5, 'q', 'x')], lastStep: 5 },
    { samples: [sample(0, 'p', 'one three'), sample(5, 'p', 'same'), sample(9, 'p', 'void')], lastStep: 5 },
  );

  it('are joined by their prompts, at steps that both have', () => {
    expect(pairs.map(({ prompt }) => prompt)).toEqual(['p']);
    expect(commonSteps(pairs)).toEqual([0, 5]);
  });

  it('differ word by word', () => {
    expect(wordDiff('one two', 'one three')).toEqual([
      { text: 'one ', kind: 'same' },
      { text: 'two', kind: 'removed' },
      { text: 'three', kind: 'added' },
    ]);
  });

  it('are voted on only where they differ, on sides that chance picks', () => {
    expect(ballots(pairs, [0, 5], () => 0.2)).toEqual([{ pair: 0, step: 0, swapped: true }]);
    expect(ballots(pairs, [0, 5], () => 0.8)[0]?.swapped).toBe(false);
  });
});

it('logs differ only in what was done, not in when', () => {
  expect(plainLine('2026-11-28T04:53:55.120Z pid 12 loaded in 3.2 s')).toBe(
    plainLine('2026-11-28T05:00:01Z pid 99 loaded in 41 ms'),
  );
  const equal = Array.from({ length: 9 }, (_, k) => `line ${k}`);
  expect(logDiff([...equal, 'old'], [...equal, 'new']).map(({ kind, text }) => `${kind} ${text}`)).toEqual([
    'skipped 7 equal lines',
    'same line 7',
    'same line 8',
    'removed old',
    'added new',
  ]);
  expect(logDiff([], [])).toEqual([]);
});

it('new seeds are the same two for both sides, and none that is there', () => {
  expect(newSeeds([1, 7, null])).toEqual([8, 9]);
  expect(newSeeds([])).toEqual([1, 2]);
});
