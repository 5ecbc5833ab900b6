/** A sweep of a tiny model by clicking. */
import { describe } from 'vitest';
import { skipReason } from './support/browser.ts';
import { sweepStory } from './support/sweep-story.ts';
import { openWorkbench } from './support/workbench.ts';

describe.skipIf(skipReason)('a sweep', () => {
  const bench = openWorkbench({ modelName: 'Tiny Llama', rows: 100 });
  sweepStory(bench, {
    modelId: 'tiny-llama',
    rates: [1e-4, 1e-2],
    seqLen: 128,
    ...{ steps: 200, checkpointEvery: 10, evaluateEvery: 5 },
    waitMs: 400_000,
  });
});
