/**
 * Makes the run that native/gpu/check.sh trains on the device and on the CPU: `tsx tests/support/gpu-run.ts <folder>`.
 * Paths in its spec begin with @HERE@, which native/gpu/run.py replaces.
 */
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { makeRun } from './rank.ts';
import { makeTinyModel } from './tiny-model.ts';
import { countingDocuments } from './token-store.ts';

export function makeGpuRun(target: string): void {
  makeTinyModel(join(target, 'model'), { dtype: 'F32', tied: true });
  makeRun(
    join(target, 'run'),
    '@HERE@/model',
    {
      method: { type: 'lora', rank: 4, alpha: 8 },
      optimizer: { type: 'adamw', learning_rate: 0.01 },
      batch: { micro_batch_size: 2, grad_accum_steps: 2, seq_len: 64 },
      duration: { unit: 'steps', value: 8 },
      evaluation: { every_steps: 4 },
      checkpoint: { every_steps: 4, keep: 3 },
      precision: 'fp32',
      device: 'cpu',
      threads: 1,
    },
    countingDocuments(20, 3),
    countingDocuments(5, 4),
  );
}

const [, script = '', target] = process.argv;
if (resolve(script) === fileURLToPath(import.meta.url)) {
  if (!target) throw new Error('usage: tsx tests/support/gpu-run.ts <folder>');
  makeGpuRun(target);
}
