/** The story of a sweep with the real starter model, by clicking. */
import { existsSync } from 'node:fs';
import { describe } from 'vitest';
import { STARTER_MODEL_ID } from '../../electron/server/models/starter.ts';
import { skipReason } from '../e2e/support/browser.ts';
import { sweepStory } from '../e2e/support/sweep-story.ts';
import { openWorkbench } from '../e2e/support/workbench.ts';
import { copyStarter, STARTER_NAME, starterFolder } from './support.ts';

describe.skipIf(skipReason ?? !existsSync(starterFolder))('a sweep of the starter model', () => {
  const bench = openWorkbench({ model: copyStarter, modelName: STARTER_NAME, rows: 100 });
  sweepStory(bench, {
    modelId: STARTER_MODEL_ID,
    rates: [1e-5, 5e-4],
    seqLen: 96,
    ...{ steps: 6, checkpointEvery: 2, evaluateEvery: 2 },
    waitMs: 40 * 60_000,
  });
});
