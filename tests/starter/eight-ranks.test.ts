/** Eight ranks by clicking, on the real starter model and two cores or more: about half an hour. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { defaultHome } from '../../electron/server/host/services.ts';
import { STARTER_MODEL_ID } from '../../electron/server/models/starter.ts';
import { describeEightRanks } from '../e2e/support/eight-ranks.ts';

const starter = join(defaultHome(), 'models', STARTER_MODEL_ID);
// The page may open the model where it is.
process.env.COLLIE_ROOTS = starter;

describeEightRanks('2 x 2 x 2 ranks of the starter model', {
  model: () => {
    if (!existsSync(starter)) throw new Error(`${starter} is missing: run \`npm run quickstart\` first.`);
    return starter;
  },
  seqLen: 64,
  steps: 20,
  checkpointEvery: 4,
  learningRate: '0.0005',
  impossible: 'dp 2, tp 4, pp 1', // 9 heads over 3 key-value heads
  falls: 0.7,
  lossTolerance: 1e-3,
  adapterTolerance: 1e-2,
  patience: 1_200_000,
});
