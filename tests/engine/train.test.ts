/** A whole training through the real executable: what it writes, and that it learns. */
import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { metrics } from '../../electron/shared/runs/metrics.ts';
import { CHECKPOINTING_LEVELS, type RunSpec } from '../../electron/shared/spec/run-spec.ts';
import { readEvents } from '../support/rank.ts';
import {
  checkpoints,
  countingDocuments,
  fileBytes,
  metricsOf,
  noEngine,
  payloads,
  TrainProcess,
  temporaryFolder,
  tinyRun,
  trainToEnd,
} from './support.ts';

describe.skipIf(noEngine)('training', () => {
  const root = temporaryFolder();

  it('writes valid events in order, evaluates, samples, saves, and the loss falls', async () => {
    const run = tinyRun(
      root,
      {
        duration: { unit: 'epochs', value: 4 },
        evaluation: { every_steps: 5, max_rows: 6 },
        checkpoint: { every_steps: 4, keep: 2 },
        sampling: { prompts: ['count'], max_new_tokens: 5 },
      },
      countingDocuments(8, 77),
    );
    writeFileSync(join(run, 'data/samples.json'), JSON.stringify([{ ids: [10, 11, 12], stop_ids: [2] }]));
    const events = await trainToEnd(run);

    expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i));
    const [started] = payloads(events, 'started');
    expect(events[0]).toBe(started);
    expect(started?.payload).toMatchObject({
      attempt: 1,
      resumed_from_step: 0,
      total_steps: 20,
      train_rows: 20,
      eval_rows: 6,
      device: 'cpu',
      threads: 1,
    });
    const steps = metricsOf(events, 'step');
    expect(steps.map((event) => event.step)).toEqual(Array.from({ length: 20 }, (_, i) => i + 1));
    for (const { tokens, target_tokens, memory_bytes } of steps) {
      expect(tokens).toBeGreaterThan(target_tokens);
      expect(target_tokens).toBeGreaterThan(0);
      expect(memory_bytes).toBeGreaterThan(1_000_000);
    }
    expect(steps.at(-1)?.epoch).toBeCloseTo(4, 9);
    expect(steps.at(-1)?.loss).toBeLessThan(0.9 * (steps[0]?.loss as number));
    const evaluations = metricsOf(events, 'eval');
    expect(evaluations.map((event) => event.step)).toEqual([0, 5, 10, 15, 20]);
    for (const type of ['step', 'eval'] as const) {
      const known = metrics.filter((row) => row.events.includes(type)).map(({ name }) => name);
      for (const { payload } of payloads(events, type))
        expect(known).toEqual(expect.arrayContaining(Object.keys(payload.metrics)));
    }
    for (const line of readFileSync(join(run, 'events/rank-000.jsonl'), 'utf8').trim().split('\n'))
      expect(JSON.parse(line).v).toBe(2);
    for (const { payload } of payloads(events, 'eval')) expect(payload.set).toBe('eval');
    expect(evaluations.at(-1)?.loss).toBeLessThan(evaluations[0]?.loss as number);
    for (const { loss, perplexity } of evaluations) expect(perplexity).toBeCloseTo(Math.exp(loss), 6);
    const samples = payloads(events, 'sample');
    expect(samples.map((event) => event.step)).toEqual([0, 5, 10, 15, 20]);
    for (const { payload } of samples) expect(payload.ids.length).toBeLessThanOrEqual(5);
    expect(payloads(events, 'checkpoint').map((event) => event.step)).toEqual([4, 8, 12, 16, 20]);
    expect(checkpoints(run)).toEqual(['step-00000016', 'step-00000020']);
    expect(payloads(events, 'finished')[0]?.payload.reason).toBe('completed');
    const phases = new Set(payloads(events, 'phase').map((event) => event.payload.name));
    for (const name of [
      'allocating',
      'loading_model',
      'training',
      'evaluating',
      'sampling',
      'saving',
      'finishing',
    ])
      expect(phases).toContain(name);
  });

  it('gives the same weights to the bit with every level of activation checkpointing, and says which', async () => {
    const trained = async (activation_checkpointing: RunSpec['activation_checkpointing']) => {
      const run = tinyRun(root, { activation_checkpointing, duration: { unit: 'steps', value: 4 } });
      const [started] = payloads(await trainToEnd(run), 'started');
      const weights = fileBytes(run, 'checkpoints/step-00000004/adapter.safetensors');
      return { level: started?.payload.activation_checkpointing, weights };
    };
    const kept = await trained('auto');
    expect(kept.level).toBe('off');
    for (const level of CHECKPOINTING_LEVELS.slice(1))
      expect(await trained(level)).toEqual({ level, weights: kept.weights });
  });

  it('trains every weight, in bf16 and with activation checkpointing', async () => {
    const run = tinyRun(root, {
      method: { type: 'full' },
      optimizer: { type: 'adamw', learning_rate: 0.003 },
      precision: 'bf16',
      activation_checkpointing: 'full',
      duration: { unit: 'epochs', value: 3 },
    });
    const events = await trainToEnd(run);
    const [started] = payloads(events, 'started');
    expect(started?.payload.trainable_params).toBe(started?.payload.total_params);
    const losses = metricsOf(events, 'step').map(({ loss }) => loss);
    expect(losses.at(-1)).toBeLessThan(0.8 * (losses[0] as number));
    expect(existsSync(join(run, 'checkpoints/step-00000015/model.safetensors'))).toBe(true);
  });

  it('gives the same losses for 8 x 1 and 1 x 8', async () => {
    const losses = async (micro: number, accumulation: number) => {
      const run = tinyRun(root, {
        batch: { micro_batch_size: micro, grad_accum_steps: accumulation, seq_len: 64 },
      });
      return metricsOf(await trainToEnd(run), 'step');
    };
    const wide = await losses(8, 1);
    const deep = await losses(1, 8);
    expect(wide.length).toBe(6);
    for (const [i, step] of wide.entries()) {
      expect(Math.abs(step.loss - (deep[i]?.loss as number))).toBeLessThanOrEqual(1e-5);
      expect(step.target_tokens).toBe(deep[i]?.target_tokens);
    }
  });

  it('saves and samples when asked, and the end of input stops it with a checkpoint', async () => {
    const run = tinyRun(root, {
      duration: { unit: 'steps', value: 100_000 },
      sampling: { prompts: ['count'], max_new_tokens: 3 },
    });
    writeFileSync(join(run, 'data/samples.json'), JSON.stringify([{ ids: [10], stop_ids: [] }]));
    const training = new TrainProcess(run);
    await training.event('step');
    training.send('save');
    const saved = await training.event('checkpoint');
    expect(checkpoints(run)).toContain(`step-${String(saved.step).padStart(8, '0')}`);
    training.send('sample');
    await training.event('sample', (event) => event.step > 0);
    training.child.stdin?.end();
    expect((await training.ended).code).toBe(0);
    const last = readEvents(run).at(-1);
    expect(last).toMatchObject({ type: 'finished', payload: { reason: 'stopped' } });
    expect(checkpoints(run)).toContain(`step-${String(last?.step).padStart(8, '0')}`);
  });

  it('cuts off a torn last line and goes on counting', async () => {
    const run = tinyRun(root, { duration: { unit: 'steps', value: 2 } });
    const torn = '{"v":1,"rank":0,"seq":1,"ti';
    const whole = { v: 1, rank: 0, seq: 0, timeUs: 1, step: 0, type: 'warning', payload: { message: 'old' } };
    appendFileSync(join(run, 'events/rank-000.jsonl'), `${JSON.stringify(whole)}\n${torn}`);
    const events = await trainToEnd(run);
    expect(events[0]?.payload).toEqual({ message: 'old' });
    expect(events.map((event) => event.seq)).toEqual(events.map((_, i) => i));
    expect(readFileSync(join(run, 'events/rank-000.jsonl'), 'utf8')).not.toContain(`${torn}{`);
  });
});
