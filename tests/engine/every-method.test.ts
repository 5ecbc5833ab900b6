/** Every optimizer and every method of the schema trains a real (tiny) model: the loss falls, and a resume is bit-exact. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { methodTraits } from '../../electron/shared/spec/method-traits.ts';
import type { Method } from '../../electron/shared/spec/methods.ts';
import type { RunSpecInput } from '../../electron/shared/spec/run-spec.ts';
import type { SpecPatch } from '../support/rank.ts';
import {
  checkpoints,
  fileBytes,
  metricsOf,
  noEngine,
  payloads,
  temporaryFolder,
  tinyRun,
  trainToEnd,
} from './support.ts';
import { method, methodRates, optimizer, optionsOf, rates } from './variants.ts';

const TOTAL = 24;
const HALF = 'step-00000012';
const LAST = 'step-00000024';

/** The whole run, and the same run as if it had been stopped half way: the same losses and the same bits. */
async function trainTwice(root: string, spec: SpecPatch, weights: string): Promise<number[]> {
  const settings = {
    ...spec,
    duration: { unit: 'steps', value: TOTAL },
    checkpoint: { every_steps: 12, keep: 9 },
  } as const;
  const straight = tinyRun(root, settings);
  const losses = metricsOf(await trainToEnd(straight), 'step').map(({ loss }) => loss);

  const resumed = tinyRun(root, settings);
  await trainToEnd(resumed);
  for (const name of checkpoints(resumed))
    if (name !== HALF) rmSync(join(resumed, 'checkpoints', name), { recursive: true });
  await trainToEnd(resumed, HALF);
  for (const file of [weights, 'optimizer.safetensors'])
    expect(fileBytes(resumed, 'checkpoints', LAST, file)).toBe(
      fileBytes(straight, 'checkpoints', LAST, file),
    );
  return losses;
}

const mean = (values: number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const fall = (losses: number[]) => mean(losses.slice(0, 4)) - mean(losses.slice(-4));

describe.skipIf(noEngine)('every optimizer', () => {
  const root = temporaryFolder();
  it.each(optionsOf('optimizer.type'))('trains all weights: %s', async (type) => {
    const spec: SpecPatch = {
      method: { type: 'full' },
      optimizer: optimizer(type, rates[type] ?? 0.01),
      batch: { micro_batch_size: 4, grad_accum_steps: 1, seq_len: 64 },
    };
    const losses = await trainTwice(root, spec, 'model.safetensors');
    expect(losses).toHaveLength(TOTAL);
    expect(fall(losses)).toBeGreaterThan(0.1);
  });
});

describe.skipIf(noEngine)('every method', () => {
  const root = temporaryFolder();
  it.each(optionsOf('method.type'))('trains: %s', async (type) => {
    const spec: SpecPatch = {
      method: method(type),
      optimizer: optimizer('adamw', methodRates[type] ?? 0.02),
    };
    const traits = methodTraits(type as Method['type']);
    const weights = traits.base === 'trained' ? 'model.safetensors' : 'adapter.safetensors';
    expect(fall(await trainTwice(root, spec, weights))).toBeGreaterThan(0.01);
  });

  it('trains LoRA on a 4-bit base', async () => {
    const spec: SpecPatch = { quantization: 'nf4', optimizer: optimizer('adamw', 0.02) };
    expect(fall(await trainTwice(root, spec, 'adapter.safetensors'))).toBeGreaterThan(0.01);
  });

  it('shrinks the ranks of AdaLoRA to their target, and says so', async () => {
    const adalora = { ...method('adalora'), init_rank: 6, target_rank: 2 } as RunSpecInput['method'];
    const run = tinyRun(root, { method: adalora, duration: { unit: 'steps', value: TOTAL } });
    const reports = payloads(await trainToEnd(run), 'ranks').map(({ payload }) => payload);
    const last = reports.at(-1);
    expect(reports.length).toBeGreaterThan(2);
    expect(reports[0]?.total).toBeGreaterThan(last?.total ?? Number.POSITIVE_INFINITY);
    expect(last?.total).toBe(last?.target);
    const sum = Object.values(last?.modules ?? {}).reduce((a, b) => a + b, 0);
    expect(sum).toBe(last?.total);
  });

  it('tells what the curvature of Sophia costs', async () => {
    const run = tinyRun(root, {
      optimizer: optimizer('sophia', 0.001),
      duration: { unit: 'steps', value: 12 },
    });
    const looks = metricsOf(await trainToEnd(run), 'step').map(
      ({ curvature_seconds }) => curvature_seconds ?? 0,
    );
    expect(looks.filter((seconds) => seconds > 0)).toHaveLength(2); // steps 1 and 11, every 10
  });
});
