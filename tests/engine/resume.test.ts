/** Stopping and going on is no interruption: the same bits at the end. */
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { SpecPatch } from '../support/rank.ts';
import { readEvents } from '../support/rank.ts';
import {
  checkpoints,
  fileBytes,
  metricsOf,
  noEngine,
  payloads,
  TrainProcess,
  temporaryFolder,
  tinyRun,
  trainToEnd,
  trainToError,
} from './support.ts';

const total = 12;
const last = 'step-00000012';
const cases: [string, string, SpecPatch][] = [
  [
    'LoRA with dropout',
    'adapter.safetensors',
    { method: { type: 'lora', rank: 4, alpha: 8, dropout: 0.2 }, precision: 'bf16' },
  ],
  ['full fine-tuning', 'model.safetensors', { method: { type: 'full' } }],
  [
    'packed sequences',
    'adapter.safetensors',
    { batch: { micro_batch_size: 1, grad_accum_steps: 2, seq_len: 48, packing: true } },
  ],
];

describe.skipIf(noEngine)('resume', () => {
  const root = temporaryFolder();

  it('takes up a run folder whose spec is of version 1', async () => {
    const settings = {
      duration: { unit: 'steps', value: 4 },
      checkpoint: { every_steps: 2, keep: 9 },
    } as const;
    const straight = tinyRun(root, settings);
    await trainToEnd(straight);
    const old = tinyRun(root, settings);
    await trainToEnd(old);
    rmSync(join(old, 'checkpoints/step-00000004'), { recursive: true });
    const path = join(old, 'spec.json');
    writeFileSync(path, readFileSync(path, 'utf8').replace('"schemaVersion": 2', '"schemaVersion": 1'));
    await trainToEnd(old, 'step-00000002');
    expect(fileBytes(old, 'checkpoints/step-00000004/adapter.safetensors')).toBe(
      fileBytes(straight, 'checkpoints/step-00000004/adapter.safetensors'),
    );
  });

  it.each(cases)('is bit-exact: %s', async (_name, weights, spec) => {
    const settings = { ...spec, duration: { unit: 'steps', value: total } } as const;
    const straight = tinyRun(root, settings);
    const straightEvents = await trainToEnd(straight);

    const stopped = tinyRun(root, { ...settings, checkpoint: { every_steps: 5, keep: 9 } });
    await trainToEnd(stopped);
    // As if it had been stopped at step 5: what came later is gone.
    for (const name of checkpoints(stopped))
      if (name > 'step-00000005') rmSync(join(stopped, 'checkpoints', name), { recursive: true });
    const resumedEvents = await trainToEnd(stopped, 'step-00000005');

    for (const file of [weights, 'optimizer.safetensors'])
      expect(fileBytes(stopped, 'checkpoints', last, file)).toBe(
        fileBytes(straight, 'checkpoints', last, file),
      );
    const attempts = payloads(resumedEvents, 'started');
    expect(attempts.map((event) => event.payload.attempt)).toEqual([1, 2]);
    expect(attempts[1]).toMatchObject({ step: 5, payload: { resumed_from_step: 5, total_steps: total } });
    const losses = (events: typeof resumedEvents) => metricsOf(events, 'step').map(({ loss }) => loss);
    expect(losses(resumedEvents).slice(total)).toEqual(losses(straightEvents).slice(5));
    expect(resumedEvents.map((event) => event.seq)).toEqual(resumedEvents.map((_, i) => i));
  });

  it('stops on request at the end of a step, and goes on from there to the same bits', async () => {
    const settings = { duration: { unit: 'steps', value: 400 } } as const;
    const straight = tinyRun(root, settings);
    await trainToEnd(straight);
    const run = tinyRun(root, settings);
    const training = new TrainProcess(run);
    await training.event('step');
    training.send('stop');
    expect((await training.ended).code).toBe(0);
    const events = readEvents(run);
    const end = events.at(-1);
    expect(end).toMatchObject({ type: 'finished', payload: { reason: 'stopped' } });
    expect(end?.step).toBeLessThan(400);
    const [name] = checkpoints(run);
    expect(name).toBe(`step-${String(end?.step).padStart(8, '0')}`);
    const after = await trainToEnd(run, name);
    const tokens = metricsOf(after, 'step').reduce((sum, { tokens }) => sum + tokens, 0);
    expect(after.at(-1)).toMatchObject({ type: 'finished', payload: { reason: 'completed', tokens } });
    for (const file of ['adapter.safetensors', 'optimizer.safetensors'])
      expect(fileBytes(run, 'checkpoints/step-00000400', file)).toBe(
        fileBytes(straight, 'checkpoints/step-00000400', file),
      );
  }, 60_000);

  it('SIGTERM is a stop', async () => {
    const run = tinyRun(root, { duration: { unit: 'steps', value: 100_000 } });
    const training = new TrainProcess(run);
    await training.event('step');
    training.child.kill('SIGTERM');
    expect(await training.ended).toMatchObject({ code: 0, signal: null });
    expect(readEvents(run).at(-1)).toMatchObject({ type: 'finished', payload: { reason: 'stopped' } });
  });

  it('a killed rank leaves its last checkpoint usable, and what was torn is removed', async () => {
    const run = tinyRun(root, {
      duration: { unit: 'steps', value: 100_000 },
      checkpoint: { every_steps: 3, keep: 2 },
    });
    const training = new TrainProcess(run);
    await training.event('checkpoint', (event) => event.step >= 6);
    training.child.kill('SIGKILL');
    expect((await training.ended).signal).toBe('SIGKILL');
    const complete = checkpoints(run).filter((name) => !name.endsWith('.tmp'));
    const newest = complete.at(-1) as string;
    // A checkpoint whose DONE was never written: a copy without it.
    renameSync(join(run, 'checkpoints', complete[0] as string, 'DONE'), join(root, 'DONE'));
    const again = new TrainProcess(run, newest);
    // Its own events: the first attempt may have written later steps than its last checkpoint.
    const started = await again.event('started', (event) => event.step === Number(newest.slice(5)));
    const next = await again.event('step', (event) => event.seq > started.seq);
    expect(next.step).toBe(Number(newest.slice(5)) + 1);
    if (complete[0] !== newest) expect(checkpoints(run)).not.toContain(complete[0]);
    again.send('stop');
    expect((await again.ended).code).toBe(0);
  });

  it('never trains over checkpoints unasked, and names those there are', async () => {
    const run = tinyRun(root, { duration: { unit: 'steps', value: 2 } });
    await trainToEnd(run);
    const refused = await trainToError(run);
    expect(refused.code).toBe('checkpoint.mismatch');
    expect(refused.hint).toContain('--resume step-00000002');
    const missing = await trainToError(run, 'step-00000001');
    expect(missing.code).toBe('checkpoint.not_found');
    expect(missing.hint).toContain('step-00000002');
    expect(payloads(readEvents(run), 'error').map((event) => event.payload.code)).toEqual([
      'checkpoint.mismatch',
      'checkpoint.not_found',
    ]);
  });

  it('a finished run that is resumed has nothing to do', async () => {
    const run = tinyRun(root, { duration: { unit: 'steps', value: 2 } });
    await trainToEnd(run);
    const before = fileBytes(run, 'checkpoints/step-00000002/adapter.safetensors');
    const events = await trainToEnd(run, 'step-00000002');
    expect(payloads(events, 'step').length).toBe(2);
    expect(events.at(-1)).toMatchObject({ type: 'finished', payload: { reason: 'completed' } });
    expect(fileBytes(run, 'checkpoints/step-00000002/adapter.safetensors')).toBe(before);
  });
});
