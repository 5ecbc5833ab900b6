/** Callbacks beside the real engine: what they ask for is done, and the training ends with the bits of one without them. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { readCallback } from '../../electron/server/callbacks/source.ts';
import { TrustedCallbacks } from '../../electron/server/callbacks/trust.ts';
import { readSupervisorFile } from '../../electron/server/runs/folder.ts';
import { isAlive } from '../../electron/server/runs/process.ts';
import { RunRegistry } from '../../electron/server/runs/registry.ts';
import { readSeries } from '../../electron/server/runs/series-file.ts';
import { isLive } from '../../electron/server/runs/status.ts';
import type { RunStatus } from '../../electron/shared/runs/events.ts';
import { checkpointName } from '../../electron/shared/runs/run-folder.ts';
import { type RunSpec, runSpecSchema } from '../../electron/shared/spec/run-spec.ts';
import { jsonl } from '../server/datasets/fixtures.ts';
import { readEvents } from '../support/rank.ts';
import { makeTinyModel } from '../support/tiny-model.ts';
import { fileBytes, metricsOf, noEngine, payloads, temporaryFolder } from './support.ts';

/** A second or two: callbacks are loaded while it is held. */
const STEPS = 300;

describe.skipIf(noEngine)('callbacks beside the engine', () => {
  const home = temporaryFolder();
  const registry = new RunRegistry(home);

  afterEach(() => {
    for (const id of registry.ids()) {
      const file = readSupervisorFile(registry.dir(id));
      for (const one of [file?.supervisor, file?.rank])
        if (one && isAlive(one)) process.kill(one.pid, 'SIGKILL');
    }
  });

  function callback(name: string, code: string): string {
    mkdirSync(join(home, 'mine'), { recursive: true });
    const path = join(home, 'mine', `${name}.ts`);
    writeFileSync(path, code);
    new TrustedCallbacks(home).add(readCallback(path));
    return path;
  }

  function newSpec(callbacks: string[]): RunSpec {
    const train = join(home, 'rows.jsonl');
    const rows = Array.from({ length: 60 }, (_, k) => ({ question: `What is ${k}?`, answer: `It is ${k}.` }));
    writeFileSync(train, jsonl(rows));
    const model = makeTinyModel(join(home, 'models/tiny'), { dtype: 'F32', tied: true });
    return runSpecSchema.parse({
      ...{ name: 'Told', model, precision: 'fp32', threads: 1, callbacks },
      dataset: { train, mapping: { kind: 'prompt_answer', prompt: 'question', answer: 'answer' } },
      method: { type: 'lora', rank: 4, alpha: 8 },
      optimizer: { type: 'adamw', learning_rate: 0.01 },
      batch: { micro_batch_size: 2, grad_accum_steps: 2, seq_len: 160 },
      duration: { unit: 'steps', value: STEPS },
      evaluation: { every_steps: 100 },
      checkpoint: { every_steps: 0, keep: 100 },
      sampling: { prompts: ['What is 7?'], max_new_tokens: 8 },
    });
  }

  async function ended(id: string): Promise<RunStatus> {
    for (;;) {
      const status = registry.status(id);
      if (!isLive(status)) return status;
      await delay(50);
    }
  }

  async function until(id: string, test: (status: RunStatus) => boolean): Promise<void> {
    for (;;) {
      const status = registry.status(id);
      if (test(status)) return;
      if (!isLive(status)) throw new Error(`ended before: ${JSON.stringify(status)}`);
      await delay(20);
    }
  }

  /** A training of a tiny model may be over before its callbacks are there; one of them may stop it at any moment, then there is nothing to hold. */
  async function heldUntilLoaded(id: string): Promise<void> {
    const stopped = () => /^Stop/.test(registry.status(id).phase);
    const unlessStopped = (thrown: unknown) => {
      if (!stopped()) throw thrown;
    };
    await until(id, ({ state }) => state === 'running' || stopped());
    await registry.control(id, { command: 'pause' }).catch(unlessStopped);
    await until(id, ({ callbacks }) => callbacks.every(({ state }) => state !== 'starting') || stopped());
    await registry.control(id, { command: 'continue' }).catch(unlessStopped);
  }

  async function run(...callbacks: string[]): Promise<{ id: string; dir: string; status: RunStatus }> {
    const id = registry.create(newSpec(callbacks));
    await registry.start(id);
    if (callbacks.length > 0) await heldUntilLoaded(id);
    return { id, dir: registry.dir(id), status: await ended(id) };
  }

  const weights = (dir: string) =>
    ['adapter.safetensors', 'optimizer.safetensors'].map((name) =>
      fileBytes(dir, 'checkpoints', checkpointName(STEPS), name),
    );
  const losses = (dir: string) => metricsOf(readEvents(dir), 'step').map(({ step, loss }) => [step, loss]);

  let plain: { dir: string; status: RunStatus };
  it('a run without any leaves nothing of them', async () => {
    plain = await run();
    expect(plain.status).toMatchObject({ state: 'completed', callbacks: [] });
  });

  it('that ask, throw, loop and flood: what was asked for is done, and the bits are the same', async () => {
    const asks = callback(
      'asks',
      `let asked = false;
       const seen = new Set<string>();
       export default {
         onStep({ step, metrics }, run) {
           run.log({ double: 2 * Number(metrics.loss) });
           if (!asked) { asked = true; run.save(); run.sample(); run.evaluate(); }
         },
         onSample({ text }) { seen.add('sample ' + typeof text); },
         onEvaluation({ set, metrics }) { seen.add(set + ' ' + typeof metrics.loss); },
         onCheckpoint({ bytes }) { seen.add('checkpoint ' + (bytes > 0)); },
         onEnd({ state }) { console.log(['end', state, ...[...seen].sort()].join('|')); },
       };`,
    );
    const throws = callback('throws', 'export default { onStep() { throw new Error("no good"); } };');
    const loops = callback('loops', 'export default { limitSeconds: 1, onStart() { for (;;) ; } };');
    const floods = callback(
      'floods',
      'export default { limitSeconds: 1, onStep(e, run) { for (;;) { run.log({ a: 1 }); run.save(); console.log("x".repeat(999)); } } };',
    );
    const { dir, status } = await run(asks, throws, loops, floods);
    expect(status).toMatchObject({ state: 'completed', step: STEPS, error: null });
    expect(status.callbacks).toMatchObject([
      { name: 'asks', state: 'ended', error: null },
      { name: 'throws', state: 'failed' },
      { name: 'loops', state: 'failed' },
      { name: 'floods', state: 'failed' },
    ]);
    expect(weights(dir)).toEqual(weights(plain.dir));
    expect(losses(dir)).toEqual(losses(plain.dir));
    const log = readFileSync(join(dir, 'logs/callback-asks.log'), 'utf8');
    expect(log).toContain('end|completed|checkpoint true|eval number|sample string');
    // The run's own stand at each hundred. The one that floods asked to save as well: once, for its one step, and perhaps together with the other.
    const askedFor = (type: 'checkpoint' | 'eval' | 'sample') =>
      payloads(readEvents(dir), type)
        .map(({ step }) => step)
        .filter((step) => step % 100 !== 0);
    expect(askedFor('checkpoint')).toSatisfy(({ length }: number[]) => length === 1 || length === 2);
    expect(askedFor('eval')).toHaveLength(1);
    // An evaluation samples too.
    expect(askedFor('sample')).toSatisfy(({ length }: number[]) => length === 1 || length === 2);
    const logged = (await readSeries(dir)).evals['callback:asks'];
    const { steps } = await readSeries(dir);
    const last = (logged?.length ?? 0) - 1;
    expect(logged?.place(last)).toEqual(steps.place(STEPS - 1));
    expect(logged?.at('asks/double', last)).toBeCloseTo(2 * steps.at('loss', STEPS - 1));
  });

  it('that stops the run: it goes on when it is resumed, and ends with the same bits', async () => {
    const stops = callback(
      'stops',
      `let resumed = 0;
       export default {
         onStart({ resumedFromStep }) { resumed = resumedFromStep; },
         onStep({ step }, run) { run.log({ resumed }); if (resumed === 0) run.stop('far enough'); },
       };`,
    );
    const { id, dir, status } = await run(stops);
    expect(status).toMatchObject({ state: 'stopped', phase: 'Stopped by the callback stops: far enough' });
    expect(status.step).toBeLessThan(STEPS);
    await registry.resume(id);
    await heldUntilLoaded(id);
    expect(await ended(id)).toMatchObject({ state: 'completed', attempt: 2 });
    expect(payloads(readEvents(dir), 'started').at(-1)?.payload.resumed_from_step).toBe(status.step);
    const logged = (await readSeries(dir)).evals['callback:stops'];
    const steps = [...(logged?.axis('step') ?? [])];
    expect(steps).toEqual([...steps].sort((a, b) => a - b));
    expect([...(logged?.metric('stops/resumed') ?? [])].at(-1)).toBe(status.step);
    expect(weights(dir)).toEqual(weights(plain.dir));
    expect(losses(dir).slice(-10)).toEqual(losses(plain.dir).slice(-10));
  });
});
