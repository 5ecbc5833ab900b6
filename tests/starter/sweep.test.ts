/** The story of a sweep with the real starter model, by clicking. */
import { cpSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe } from 'vitest';
import { defaultHome } from '../../electron/server/host/services.ts';
import { STARTER_MODEL_ID } from '../../electron/server/models/starter.ts';
import { skipReason } from '../e2e/support/browser.ts';
import type { Home } from '../e2e/support/host.ts';
import { sweepStory } from '../e2e/support/sweep-story.ts';
import { openWorkbench } from '../e2e/support/workbench.ts';

const starter = join(defaultHome(), 'models', STARTER_MODEL_ID);

describe.skipIf(skipReason ?? !existsSync(starter))('a sweep of the starter model', () => {
  // The workbench opens only what lies in the user's folders.
  const model = ({ user }: Home) => {
    const folder = join(user, STARTER_MODEL_ID);
    cpSync(starter, folder, { recursive: true });
    return folder;
  };
  const bench = openWorkbench({ model, modelName: 'SmolLM2 135M Instruct', rows: 100 });
  sweepStory(bench, {
    modelId: STARTER_MODEL_ID,
    rates: [1e-5, 5e-4],
    seqLen: 96,
    ...{ steps: 6, checkpointEvery: 2, evaluateEvery: 2 },
    waitMs: 40 * 60_000,
  });
});
