/** A run that only evaluates: the same rows and weights give what the training found, and what is wrong is said. */
import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readEvents, type SpecPatch } from '../support/rank.ts';
import {
  countingDocuments,
  errorOf,
  fileBytes,
  metricsOf,
  noEngine,
  payloads,
  TrainProcess,
  temporaryFolder,
  tinyRun,
  trainToEnd,
} from './support.ts';

const settings: SpecPatch = {
  batch: { micro_batch_size: 4, grad_accum_steps: 1, seq_len: 64 },
  duration: { unit: 'steps', value: 4 },
  checkpoint: { every_steps: 2, keep: 3 },
};
const RECORD = (step: number) => `evaluations/step-0000000${step}.jsonl`;

/** The run folder of an evaluation: the spec and the held-out rows of `run`, none to train on. */
function evaluationOf(run: string, own: string): string {
  mkdirSync(join(own, 'data'), { recursive: true });
  copyFileSync(join(run, 'spec.json'), join(own, 'spec.json'));
  for (const name of readdirSync(join(run, 'data')))
    if (name.startsWith('eval.')) copyFileSync(join(run, 'data', name), join(own, 'data', name));
  return own;
}

const evaluate = (own: string, run: string | null, checkpoint = 'step-00000004') =>
  new TrainProcess(own, undefined, [
    ...['evaluate', '--run', own],
    ...(run === null ? [] : ['--of', run, '--checkpoint', checkpoint]),
  ]).ended;

describe.skipIf(noEngine)('evaluating a model that is there', () => {
  const root = temporaryFolder();

  it('finds of a checkpoint what the training found, bit for bit, and of the base what it found before the first step', async () => {
    const run = tinyRun(join(root, 'trained'), settings, countingDocuments(5, 77));
    const trained = metricsOf(await trainToEnd(run), 'eval');
    for (const [name, of, step] of [
      ['last', run, 4],
      ['base', null, 0],
    ] as const) {
      const own = evaluationOf(run, join(root, name));
      expect((await evaluate(own, of)).code).toBe(0);
      const events = readEvents(own);
      expect(payloads(events, 'step')).toEqual([]);
      expect(payloads(events, 'started')[0]?.payload).toMatchObject({
        total_steps: 0,
        resumed_from_step: step,
      });
      expect(payloads(events, 'finished')[0]?.payload.reason).toBe('completed');
      const [found] = metricsOf(events, 'eval');
      expect(found?.step).toBe(step);
      expect(found?.loss).toBe(trained.find((one) => one.step === step)?.loss);
      expect(fileBytes(own, RECORD(step))).toBe(fileBytes(run, RECORD(step)));
      expect(existsSync(join(own, 'checkpoints')) ? readdirSync(join(own, 'checkpoints')) : []).toEqual([]);
    }
  });

  it('refuses a checkpoint that is half gone, one that is not there, and data without a row', async () => {
    const run = tinyRun(join(root, 'broken'), settings, countingDocuments(5, 77));
    await trainToEnd(run);
    const own = evaluationOf(run, join(root, 'broken-own'));
    const missing = await evaluate(own, run, 'step-00000003');
    expect(errorOf(missing.stderr)).toMatchObject({ code: 'checkpoint.not_found' });
    rmSync(join(run, 'checkpoints/step-00000004/adapter.safetensors'));
    const half = await evaluate(own, run);
    expect(half.code).toBe(1);
    expect(errorOf(half.stderr).code).toMatch(/^checkpoint\./);
    for (const name of readdirSync(join(own, 'data'))) rmSync(join(own, 'data', name));
    const empty = await evaluate(own, null);
    expect(errorOf(empty.stderr)).toMatchObject({ code: 'dataset.empty' });
  });
});
