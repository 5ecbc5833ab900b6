/** Sweeps in a queue over fake ranks. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';
import { LOCK_FILE } from '../../../electron/server/queue/runner.ts';
import { QueueService } from '../../../electron/server/queue/service.ts';
import { lockHolder } from '../../../electron/server/runs/lock.ts';
import { isAlive } from '../../../electron/server/runs/process.ts';
import { type Sweep, sweepSchema } from '../../../electron/shared/spec/sweep.ts';
import { exampleSpec, type FakeBehaviour, FakeHome } from '../../supervisor/harness.ts';

export class FakeSweeps {
  readonly fake: FakeHome;
  readonly queue: QueueService;

  constructor(home?: string) {
    this.fake = new FakeHome(home);
    this.queue = new QueueService(this.fake.home, this.fake.registry);
    this.queue.set({ paused: true });
    writeFileSync(join(this.fake.home, 'rows.jsonl'), '{"q":"a","a":"b"}\n');
  }

  async remove(): Promise<void> {
    this.queue.set({ paused: true });
    const holder = lockHolder(join(this.fake.home, LOCK_FILE));
    if (holder && isAlive(holder)) process.kill(holder.pid, 'SIGKILL');
    await expect.poll(() => holder !== null && isAlive(holder), { timeout: 20_000 }).toBe(false);
    this.fake.remove();
  }

  /** One point a list, one seed a behaviour. Returns the sweep's id, its definition and the runs' ids. */
  async add(
    points: readonly (readonly FakeBehaviour[])[],
    rules: Partial<Pick<Sweep, 'halving' | 'plateau' | 'budget'>>,
  ): Promise<{ id: string; definition: Sweep; ids: string[] }> {
    const definition = sweepSchema.parse({
      ...{ name: 'Swept', spec: { evaluation: { every_steps: 5 } }, ...rules },
      settings: { 'method.rank': { values: points.map((_, k) => k + 1) } },
    });
    const runs = points.flatMap((seeds, k) =>
      seeds.map((_, seed) => ({
        spec: { ...exampleSpec(this.fake.home), name: `point ${k}, seed ${seed}` },
        forecast: { seconds: 1, memoryBytes: 1e6 },
        values: { 'method.rank': k + 1 },
        seed: seeds.length === 1 ? null : seed,
      })),
    );
    const record = await this.queue.addSweep('sweep', 'Swept', definition, runs);
    const behaviours = points.flat();
    const ids = record.runs.map(({ id }, k) => {
      const dir = this.fake.registry.dir(id);
      mkdirSync(join(dir, 'data'), { recursive: true });
      writeFileSync(join(dir, 'data/meta.json'), '{}');
      writeFileSync(join(dir, 'fake.json'), JSON.stringify(behaviours[k]));
      return id;
    });
    return { id: record.id, definition, ids };
  }
}
