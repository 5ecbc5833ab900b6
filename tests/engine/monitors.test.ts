/** Monitors beside the real engine: their series are there, are plausible, outlive a resume, and change no bit of what is trained. */
import { cpSync, existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { gemmRate, measureGemm } from '../../electron/server/machine/gemm.ts';
import { readSupervisorFile } from '../../electron/server/runs/folder.ts';
import { isAlive } from '../../electron/server/runs/process.ts';
import { RunRegistry } from '../../electron/server/runs/registry.ts';
import { readSeries } from '../../electron/server/runs/series-file.ts';
import { isLive } from '../../electron/server/runs/status.ts';
import type { RunStatus } from '../../electron/shared/runs/events.ts';
import { checkpointName } from '../../electron/shared/runs/run-folder.ts';
import { runSpecSchema } from '../../electron/shared/spec/run-spec.ts';
import { jsonl } from '../server/datasets/fixtures.ts';
import { makeTinyModel } from '../support/tiny-model.ts';
import { fileBytes, noEngine, temporaryFolder, trainToEnd } from './support.ts';

const STEPS = 1000;

describe.skipIf(noEngine)('monitors beside the engine', () => {
  const home = temporaryFolder();
  const registry = new RunRegistry(home);

  afterEach(() => {
    for (const id of registry.ids()) {
      const file = readSupervisorFile(registry.dir(id));
      for (const one of [file?.supervisor, file?.rank])
        if (one && isAlive(one)) process.kill(one.pid, 'SIGKILL');
    }
  });

  function newRun(ranks = 1): string {
    const train = join(home, 'rows.jsonl');
    const rows = Array.from({ length: 60 }, (_, k) => ({ question: `What is ${k}?`, answer: `It is ${k}.` }));
    writeFileSync(train, jsonl(rows));
    const model = makeTinyModel(join(home, 'models/tiny'), { dtype: 'F32', tied: true });
    return registry.create(
      runSpecSchema.parse({
        ...{ name: 'Measured', model, precision: 'fp32', threads: 1 },
        dataset: { train, mapping: { kind: 'prompt_answer', prompt: 'question', answer: 'answer' } },
        method: { type: 'lora', rank: 4, alpha: 8 },
        optimizer: { type: 'adamw', learning_rate: 0.01 },
        batch: { micro_batch_size: 2, grad_accum_steps: 2, seq_len: 160 },
        duration: { unit: 'steps', value: STEPS },
        evaluation: { every_steps: 0 },
        checkpoint: { every_steps: 0, keep: 100 },
        parallel: { dp_size: ranks },
      }),
    );
  }

  async function until(id: string, test: (status: RunStatus) => boolean): Promise<RunStatus> {
    for (;;) {
      const status = registry.status(id);
      if (test(status)) return status;
      if (!isLive(status)) throw new Error(`ended before: ${JSON.stringify(status)}`);
      await delay(20);
    }
  }
  const ended = (id: string) => until(id, (status) => !isLive(status));
  const measured = async (id: string) => {
    const { monitors } = await readSeries(registry.dir(id));
    return Object.fromEntries(
      ['cpu_share', 'rss_bytes', 'gemm_share'].map((name) => [
        name,
        [...monitors.metric(name)].filter(Number.isFinite),
      ]),
    ) as Record<'cpu_share' | 'rss_bytes' | 'gemm_share', number[]>;
  };

  it('measures products once, and keeps what they reach', async () => {
    const rate = await measureGemm(home, 'cpu', 'fp32');
    expect(rate.flopsPerSecond).toBeGreaterThan(1e9);
    expect(gemmRate(home, rate.device, 'fp32')).toEqual(rate);
    expect(gemmRate(home, rate.device, 'bf16')).toBeNull();
  });

  /** So many samples of a run that goes on. */
  async function samples(id: string, wanted: number): Promise<void> {
    while ((await readSeries(registry.dir(id))).monitors.length < wanted) {
      if (!isLive(registry.status(id))) throw new Error('ended before');
      await delay(100);
    }
  }

  it('a run has series of its process, which go on after a resume; its bits are those of one without', async () => {
    const id = newRun();
    const dir = registry.dir(id);
    await registry.start(id);
    await samples(id, 1);
    await registry.stop(id);
    const stopped = await ended(id);
    const first = await readSeries(dir);
    const before = first.monitors.length;
    expect(before).toBeGreaterThan(0);
    await registry.resume(id);
    expect(await ended(id)).toMatchObject({ state: 'completed', step: STEPS });

    const { monitors, steps } = await readSeries(dir);
    const at = [...monitors.axis('step')];
    expect(at.length).toBeGreaterThan(before);
    expect(at.at(-1)).toBeGreaterThan(stopped.step);
    expect(at).toEqual([...at].sort((a, b) => a - b));
    const { cpu_share, rss_bytes, gemm_share } = await measured(id);
    for (const share of cpu_share) expect(share).toBeLessThanOrEqual(1.05);
    expect(Math.max(...cpu_share)).toBeGreaterThan(0.05);
    // What the engine says of itself, measured at another moment.
    const own = steps.at('memory_bytes', steps.length - 1);
    for (const bytes of rss_bytes) expect(Math.abs(bytes / own - 1)).toBeLessThan(0.25);
    // So small a model reaches little of it, and never more than all.
    expect(gemm_share.length).toBeGreaterThan(0);
    for (const share of gemm_share) expect(share > 0 && share < 1).toBe(true);
    expect(monitors.names.filter((name) => /^gpu|mfu/.test(name))).toEqual([]);

    // The same folder, as the supervisor prepared it, trained by the rank alone.
    const alone = join(home, 'alone');
    cpSync(dir, alone, { recursive: true });
    for (const made of ['events', 'checkpoints', 'evaluations'])
      rmSync(join(alone, made), { recursive: true, force: true });
    await trainToEnd(alone);
    for (const name of ['adapter.safetensors', 'optimizer.safetensors'])
      expect(fileBytes(dir, 'checkpoints', checkpointName(STEPS), name)).toBe(
        fileBytes(alone, 'checkpoints', checkpointName(STEPS), name),
      );
    expect(existsSync(join(alone, 'events/monitors.jsonl'))).toBe(false);
  });

  it('two ranks have one series together and one each', async () => {
    const id = newRun(2);
    await registry.start(id);
    await samples(id, 1);
    await registry.stop(id);
    expect(await ended(id)).toMatchObject({ state: 'stopped' });
    const { monitors } = await readSeries(registry.dir(id));
    expect(
      monitors.length,
      readFileSync(join(registry.dir(id), 'logs/supervisor.log'), 'utf8'),
    ).toBeGreaterThan(0);
    const row = [...monitors.metric('cpu_share')].findIndex(Number.isFinite);
    const sum = (name: string) => monitors.at(`${name}/rank-0`, row) + monitors.at(`${name}/rank-1`, row);
    for (const name of ['cpu_share', 'rss_bytes']) {
      expect(monitors.at(`${name}/rank-1`, row)).toBeGreaterThan(0);
      expect(monitors.at(name, row)).toBeCloseTo(sum(name), 6);
    }
  });
});
