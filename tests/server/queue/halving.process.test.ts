/** Successive halving over fake ranks: runs pause at their rung, the best goes on from its checkpoint, and one that gets no better ends. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOCK_FILE } from '../../../electron/server/queue/runner.ts';
import { QueueService } from '../../../electron/server/queue/service.ts';
import { lockHolder } from '../../../electron/server/runs/lock.ts';
import { isAlive } from '../../../electron/server/runs/process.ts';
import { readRungs } from '../../../electron/server/runs/rungs.ts';
import { sweepSchema } from '../../../electron/shared/spec/sweep.ts';
import { exampleSpec, FakeHome } from '../../supervisor/harness.ts';

let fake: FakeHome;
let queue: QueueService;

beforeEach(() => {
  fake = new FakeHome();
  queue = new QueueService(fake.home, fake.registry);
  queue.set({ paused: true });
  writeFileSync(join(fake.home, 'rows.jsonl'), '{"q":"a","a":"b"}\n');
});

afterEach(async () => {
  queue.set({ paused: true });
  const holder = lockHolder(join(fake.home, LOCK_FILE));
  if (holder && isAlive(holder)) process.kill(holder.pid, 'SIGKILL');
  await expect.poll(() => holder !== null && isAlive(holder), { timeout: 20_000 }).toBe(false);
  fake.remove();
});

/** A sweep whose runs evaluate every 5 steps of 100 tokens, with these losses. */
async function add(losses: readonly number[], rules: object): Promise<string[]> {
  const definition = sweepSchema.parse({
    ...{ name: 'Halved', spec: { evaluation: { every_steps: 5 } }, ...rules },
    settings: { 'method.rank': { values: losses.map((_, k) => k + 1) } },
  });
  const runs = losses.map((_, k) => ({
    spec: { ...exampleSpec(fake.home), name: `run ${k}` },
    forecast: { seconds: 1, memoryBytes: 1e6 },
    ...{ values: { 'method.rank': k + 1 }, seed: null },
  }));
  const record = await queue.addSweep('sweep', 'Halved', definition, runs);
  return record.runs.map(({ id }, k) => {
    const dir = fake.registry.dir(id);
    mkdirSync(join(dir, 'data'), { recursive: true });
    writeFileSync(join(dir, 'data/meta.json'), '{}');
    const behaviour = { steps: 60, stepMs: 20, checkpointEvery: 100, evalEvery: 5, evalLoss: losses[k] };
    writeFileSync(join(dir, 'fake.json'), JSON.stringify(behaviour));
    return id;
  });
}

describe('successive halving in the queue', { timeout: 120_000 }, () => {
  it('pauses all at the first rung, and takes the best to the end', async () => {
    const ids = await add([3, 1, 2], { halving: { rungs: [1000], eta: 3 } });
    queue.set({ paused: false });
    const best = ids[1] ?? '';
    const status = await fake.until(best, ({ state }) => state === 'completed');
    expect(status).toMatchObject({ attempt: 2, step: 60 });
    for (const id of [ids[0], ids[2]])
      expect(fake.registry.status(id ?? '')).toMatchObject({
        ...{ state: 'stopped', phase: 'Paused at a rung', attempt: 1, error: null },
      });
    expect(
      ids.map((id) => readRungs(fake.registry.dir(id)).map(({ tokens, loss }) => [tokens, loss])),
    ).toEqual([...[[[1000, 3]], [[1000, 1]], [[1000, 2]]]]);
    // From its checkpoint, not from the start.
    const resumed = fake.events(best).filter(({ type }) => type === 'started');
    expect(resumed.map(({ step }) => step > 0)).toEqual([false, true]);
  });

  it('ends a run that gets no better, and goes on behind it', async () => {
    const [first, second] = await add([2, 2], { plateau: { evaluations: 2 } });
    queue.set({ paused: false });
    for (const id of [first, second]) {
      const status = await fake.until(id ?? '', ({ state }) => state === 'stopped');
      expect(status.phase).toBe('Stopped: no better over 2 evaluations');
      expect(status.step).toBeLessThan(40);
    }
  });
});
