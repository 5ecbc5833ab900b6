/** Eight ranks by clicking, on a model that trains in seconds. */
import { join } from 'node:path';
import { makeTinyModel } from '../support/tiny-model.ts';
import { describeEightRanks } from './support/eight-ranks.ts';

describeEightRanks('2 x 2 x 2 ranks', {
  model: (home) => makeTinyModel(join(home.user, 'tiny-llama'), { dtype: 'F32' }),
  seqLen: 128,
  steps: 120,
  checkpointEvery: 5,
  learningRate: '0.005',
  impossible: 'dp 1, tp 2, pp 4', // two layers
  falls: 0.7,
  lossTolerance: 2e-3,
  adapterTolerance: 1e-2,
  patience: 400_000,
});
