/** Settings changed while it trains: they count from the next step on, on every rank, and a resume makes them again at the same steps. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RunEvent } from '../../electron/shared/runs/events.ts';
import { checkpointName } from '../../electron/shared/runs/run-folder.ts';
import { readEvents, type SpecPatch } from '../support/rank.ts';
import {
  countingDocuments,
  metricsOf,
  noEngine,
  TrainProcess,
  temporaryFolder,
  tinyRun,
  trainToEnd,
  weightsAt,
} from './support.ts';

const MORE = 6;
const isPaused = ({ payload }: RunEvent) => (payload as { name: string }).name === 'paused';
const warnings = (run: string) =>
  readEvents(run).flatMap((event) => (event.type === 'warning' ? [event.payload.message] : []));
/** Held after its first steps. */
async function paused(run: string): Promise<{ training: TrainProcess; step: number }> {
  const training = new TrainProcess(run);
  await training.event('step', ({ step }) => step >= 3);
  training.send('pause');
  const { step } = await training.event('phase', isPaused);
  return { training, step };
}

const layouts: [string, SpecPatch][] = [
  ['one rank', {}],
  ['tensor and pipeline parallel', { parallel: { tp_size: 2, pp_size: 2 } }],
];

describe.skipIf(noEngine)('a run that trains', () => {
  const root = temporaryFolder();

  it.each(layouts)(
    'takes another learning rate and end, and a resume does the same: %s',
    async (_, layout) => {
      const run = tinyRun(root, {
        ...layout,
        duration: { unit: 'steps', value: 5000 },
        schedule: { type: 'linear', warmup_ratio: 0 },
        checkpoint: { every_steps: 1, keep: 1000 },
      });
      const { training, step } = await paused(run);
      const end = step + MORE;
      training.send('change', { learning_rate: 0.003, total_steps: end });
      await training.event('changed');
      training.send('continue');
      expect(await training.ended).toMatchObject({ code: 0 });

      const events = readEvents(run);
      expect(events.find(({ type }) => type === 'changed')).toMatchObject({
        step,
        payload: { learning_rate: 0.003, total_steps: end },
      });
      expect(events.at(-1)).toMatchObject({ type: 'finished', step: end, payload: { reason: 'completed' } });
      const rates = events.flatMap((event) =>
        event.type === 'step' ? [[event.step, event.payload.metrics.learning_rate ?? Number.NaN]] : [],
      );
      // Step n is trained at the rate of the n - 1 done before it: the falling line of a run of `end` steps.
      for (const [at = 0, rate = Number.NaN] of rates)
        expect(rate).toBeCloseTo(at > step ? 0.003 * (1 - (at - 1) / end) : 0.01 * (1 - (at - 1) / 5000), 12);
      expect(JSON.parse(readFileSync(join(run, 'changes.json'), 'utf8'))).toEqual({
        v: 1,
        changes: [{ step, learning_rate: 0.003, total_steps: end }],
      });

      const before = weightsAt(run, end);
      await trainToEnd(run, 'step-00000001');
      expect(weightsAt(run, end)).toEqual(before);
      const again = readEvents(run).slice(events.length);
      expect(again.find(({ type }) => type === 'changed')).toMatchObject({
        step,
        payload: { total_steps: end },
      });
    },
  );

  it('goes on beyond its end, and does not end where it has been', async () => {
    const run = tinyRun(root, { duration: { unit: 'epochs', value: 1 } });
    const training = new TrainProcess(run);
    training.send('pause');
    const { step } = await training.event('phase', isPaused);
    training.send('change', { total_steps: step });
    await training.event('warning');
    training.send('change', { total_steps: 50 });
    await training.event('changed');
    training.send('continue');
    expect(await training.ended).toMatchObject({ code: 0 });
    expect(warnings(run)).toEqual([
      `Not changed to a run of ${step} steps: ${step} are done. Stop it instead.`,
    ]);
    // Shuffled anew, later epochs have a larger batch than any of the first: memory is claimed for it by the next process.
    expect(readEvents(run).at(-1)).toMatchObject({ type: 'finished', step, payload: { reason: 'restart' } });
    const events = await trainToEnd(run, checkpointName(step));
    const planned = events.flatMap((event) => (event.type === 'started' ? [event.payload.total_steps] : []));
    expect(planned).toEqual([5, 50]);
    expect(events.at(-1)).toMatchObject({ type: 'finished', step: 50, payload: { reason: 'completed' } });
  });

  it('goes on at once where memory is there for every later batch', async () => {
    const settings = { duration: { unit: 'steps', value: 400 }, checkpoint: { every_steps: 0 } } as const;
    const run = tinyRun(root, settings);
    const training = new TrainProcess(run);
    training.send('pause');
    await training.event('phase', isPaused);
    training.send('change', { total_steps: 430 });
    await training.event('changed');
    training.send('continue');
    expect(await training.ended).toMatchObject({ code: 0 });
    expect(readEvents(run).at(-1)).toMatchObject({ type: 'finished', step: 430 });
  });

  it('keeps the steps of AdaLoRA, whose ranks are planned over them', async () => {
    const method = { type: 'adalora', start_ratio: 0.1, end_ratio: 0.1 } as const;
    const run = tinyRun(root, { method, duration: { unit: 'steps', value: 3000 } });
    const { training } = await paused(run);
    training.send('change', { total_steps: 10_000 });
    await training.event('warning', ({ payload }) =>
      /adalora/.test((payload as { message: string }).message),
    );
    training.send('stop');
    expect(await training.ended).toMatchObject({ code: 0 });
    expect(warnings(run).join()).toContain(
      'Not changed to a run of 10000 steps: adalora allocates its ranks',
    );
  });

  it('evaluates when it is asked, and stops at the end of an epoch', async () => {
    const settings = { duration: { unit: 'epochs', value: 500 }, evaluation: { every_steps: 0 } } as const;
    const run = tinyRun(root, settings, countingDocuments(4, 5));
    const { training, step } = await paused(run);
    training.send('evaluate');
    await training.event('eval', (event) => event.step === step);
    training.send('end_epoch');
    training.send('continue');
    expect(await training.ended).toMatchObject({ code: 0 });
    const events = readEvents(run);
    expect(events.at(-1)).toMatchObject({ type: 'finished', payload: { reason: 'stopped' } });
    const last = metricsOf(events, 'step').at(-1);
    const asked = metricsOf(events, 'step').find((one) => one.step === step);
    expect(last?.epoch).toBe(Math.ceil((asked?.epoch ?? Number.NaN) - 1e-9));
    expect(readdirSync(join(run, 'checkpoints')).at(-1)).toBe(checkpointName(last?.step ?? 0));
  });

  it('a wish of an earlier attempt to stop with the epoch means the epoch of its own step', async () => {
    const settings = { duration: { unit: 'epochs', value: 500 }, evaluation: { every_steps: 0 } } as const;
    const run = tinyRun(root, settings);
    const { training, step } = await paused(run);
    const epochs = metricsOf(readEvents(run), 'step');
    const perEpoch = Math.round(step / (epochs.at(-1)?.epoch ?? Number.NaN));
    // The step is in the second epoch from here on.
    const wished = Math.ceil(step / perEpoch) * perEpoch + perEpoch + 1;
    training.send('end_epoch', { step: wished });
    training.send('continue');
    expect(await training.ended).toMatchObject({ code: 0 });
    const last = metricsOf(readEvents(run), 'step').at(-1);
    expect(last?.step).toBe(Math.ceil(wished / perEpoch) * perEpoch);
  });
});
