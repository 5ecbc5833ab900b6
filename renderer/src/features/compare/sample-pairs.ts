/** Answers of two runs to the same prompts, and how they differ. Pure. */
import { diffWordsWithSpace } from 'diff';
import type { Sample } from '../../../../electron/shared/runs/events.ts';
import { samplesByPrompt } from '../monitor/samples.ts';

export interface SamplePair {
  prompt: string;
  /** Answers by step. */
  baseline: ReadonlyMap<number, string>;
  candidate: ReadonlyMap<number, string>;
}

export interface RunSamples {
  samples: readonly Sample[];
  lastStep: number;
}

/** Prompts that both answered, in the order of the baseline. */
export function samplePairs(baseline: RunSamples, candidate: RunSamples): SamplePair[] {
  const answersOf = ({ samples, lastStep }: RunSamples) =>
    new Map(
      samplesByPrompt(samples, lastStep).map(({ prompt, answers }) => [
        prompt,
        new Map(answers.map(({ step, text }) => [step, text])),
      ]),
    );
  const theirs = answersOf(candidate);
  return [...answersOf(baseline)].flatMap(([prompt, mine]) => {
    const other = theirs.get(prompt);
    return other ? [{ prompt, baseline: mine, candidate: other }] : [];
  });
}

/** Steps at which some pair has both answers, rising. */
export function commonSteps(pairs: readonly SamplePair[]): number[] {
  const steps = pairs.flatMap(({ baseline, candidate }) =>
    [...baseline.keys()].filter((step) => candidate.has(step)),
  );
  return [...new Set(steps)].sort((a, b) => a - b);
}

export interface Piece {
  text: string;
  kind: 'same' | 'added' | 'removed';
}

/** Words of both: `removed` ones are only in the first, `added` ones only in the second. */
export function wordDiff(before: string, after: string): Piece[] {
  return diffWordsWithSpace(before, after).map(({ value, added, removed }) => ({
    text: value,
    kind: added ? 'added' : removed ? 'removed' : 'same',
  }));
}

export interface Ballot {
  /** Place among the pairs. */
  pair: number;
  step: number;
  /** The candidate stands left. */
  swapped: boolean;
}

/** Every pair whose answers differ, at each common step, in a random order and on random sides. `next` gives [0, 1). */
export function ballots(
  pairs: readonly SamplePair[],
  steps: readonly number[],
  next: () => number = Math.random,
): Ballot[] {
  const all = pairs.flatMap(({ baseline, candidate }, pair) =>
    steps
      .filter(
        (step) => baseline.has(step) && candidate.has(step) && baseline.get(step) !== candidate.get(step),
      )
      .map((step) => ({ pair, step, swapped: next() < 0.5, key: next() })),
  );
  return all.sort((a, b) => a.key - b.key).map(({ key: _, ...ballot }) => ballot);
}
