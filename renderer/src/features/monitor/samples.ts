/** Generations of a run, ordered for reading. Pure. */
import type { Sample } from '../../../../electron/shared/runs/events.ts';
import { upToStep } from '../../../../electron/shared/runs/series.ts';

export interface SampledPrompt {
  promptIndex: number;
  prompt: string;
  /** Rising steps, one answer each. */
  answers: { step: number; text: string; finish: Sample['finish'] }[];
}

/** Groups by prompt. A step sampled again (after a resume) counts as it was last; what a resume from `lastStep` voids is left out. */
export function samplesByPrompt(samples: readonly Sample[], lastStep: number): SampledPrompt[] {
  const prompts = new Map<number, { prompt: string; answers: Map<number, Sample> }>();
  for (const sample of upToStep(samples, lastStep)) {
    const entry = prompts.get(sample.promptIndex) ?? { prompt: sample.prompt, answers: new Map() };
    entry.answers.set(sample.step, sample);
    prompts.set(sample.promptIndex, entry);
  }
  return [...prompts]
    .sort(([a], [b]) => a - b)
    .map(([promptIndex, { prompt, answers }]) => ({
      promptIndex,
      prompt,
      answers: [...answers.values()]
        .sort((a, b) => a.step - b.step)
        .map(({ step, text, finish }) => ({ step, text, finish })),
    }));
}

/** All steps at which something was sampled, rising. */
export const sampledSteps = (prompts: readonly SampledPrompt[]): number[] =>
  [...new Set(prompts.flatMap((p) => p.answers.map((a) => a.step)))].sort((a, b) => a - b);
