/** A sweep is in the queue with all its runs or not at all: over kills at drawn moments, and over disks that fill up. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sweepLibrary } from '../../../electron/server/host/sweep.ts';
import { QueueService } from '../../../electron/server/queue/service.ts';
import { readEntry } from '../../../electron/server/queue/store.ts';
import { SweepStore } from '../../../electron/server/queue/sweep-store.ts';
import { RunRegistry } from '../../../electron/server/runs/registry.ts';
import { readTags } from '../../../electron/server/runs/tags.ts';
import { exampleSpec, FakeHome } from '../../supervisor/harness.ts';
import { uniform } from '../../support/random.ts';
import { smallDisk } from '../../support/small-disk.ts';

const KILLS = process.env.COLLIE_FAULTS === 'whole' ? 100 : 8;
const script = resolve(import.meta.dirname, '../../fixtures/sweep/add-sweep.mjs');
const sources = resolve(import.meta.dirname, '../../../dist/electron');

let fake: FakeHome;
let queue: QueueService;

beforeEach(() => {
  fake = new FakeHome();
  queue = new QueueService(fake.home, fake.registry);
  queue.set({ paused: true });
  writeFileSync(join(fake.home, 'rows.jsonl'), '{"q":"a","a":"b"}\n');
});

afterEach(() => fake.remove());

const checked = (ranks: readonly number[], seed: number | null = null) =>
  ranks.map((rank) => ({
    spec: { ...exampleSpec(fake.home), name: `rank ${rank}` },
    forecast: { seconds: 10, memoryBytes: 1e6 },
    values: { 'method.rank': rank },
    seed,
  }));

const listed = () => queue.state().items.map(({ id }) => id);

describe('sweeps in the queue', { timeout: 120_000 }, () => {
  it('are records that know their runs, and runs that know their sweep', async () => {
    const { id, runs } = await queue.addSweep('sweep', 'Ranks', { asked: 1 }, checked([4, 8]));
    expect(listed()).toEqual(runs.map((run) => run.id));
    expect(queue.state().items.map(({ sweep }) => sweep)).toEqual([id, id]);
    expect(readTags(fake.registry.dir(runs[0]?.id ?? ''))).toEqual(['Ranks']);
    expect(queue.sweeps.get(id)).toMatchObject({ name: 'Ranks', definition: { asked: 1 }, runs });
    expect(readdirSync(join(fake.home, 'sweeps', id))).toEqual(['sweep.json']);
  });

  it('take more points later, behind what is in line', async () => {
    const { id, runs } = await queue.addSweep('sweep', 'Ranks', {}, checked([4]));
    const added = await queue.extendSweep(id, { asked: 2 }, checked([8, 16], 3));
    expect(listed()).toEqual([runs[0]?.id, ...added]);
    expect(queue.sweeps.get(id).runs.map(({ values, seed }) => [values['method.rank'], seed])).toEqual([
      [4, null],
      [8, 3],
      [16, 3],
    ]);
    expect(new SweepStore(fake.home).get(id).definition).toEqual({ asked: 2 });
  });

  it('are forgotten with what waits; what has begun stays', async () => {
    const { id, runs } = await queue.addSweep('sweep', 'Ranks', {}, checked([4, 8]));
    const begun = runs[0]?.id ?? '';
    const dir = fake.registry.dir(begun);
    const status = JSON.parse(JSON.stringify(fake.registry.status(begun)));
    writeFileSync(join(dir, 'status.json'), JSON.stringify({ ...status, state: 'completed' }));
    await queue.removeSweep(id);
    expect(fake.registry.ids()).toEqual([begun]);
    expect(queue.sweeps.list()).toEqual([]);
    expect(readEntry(dir)?.sweep).toBe(id);
  });

  it(`are whole or absent, over ${KILLS} kills at drawn moments`, async () => {
    const draw = uniform(29);
    const spec = join(fake.home, 'spec.json');
    writeFileSync(spec, JSON.stringify(exampleSpec(fake.home)));
    const counts: number[] = [];
    for (let kill = 0; kill < KILLS; kill += 1) {
      const child = spawn(process.execPath, [script, fake.home, sources, spec], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await delay(draw() * 1200); // The moment is drawn.
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      await sweepLibrary(fake.home, new RunRegistry(fake.home));
      const present = new Set(fake.registry.ids());
      for (const { runs } of queue.sweeps.list()) {
        expect(runs.filter((run) => !present.has(run.id))).toEqual([]);
        expect([8, 16]).toContain(runs.length);
      }
      const owned = queue.sweeps.list().flatMap(({ runs }) => runs);
      expect(present.size).toBe(owned.length);
      counts.push(owned.length);
    }
    expect(readdirSync(join(fake.home, 'sweeps')).filter((name) => name.startsWith('.'))).toEqual([]);
    console.info('runs after each kill:', counts.join(' '));
  });

  it('leave nothing on a disk that is full midway', async (context) => {
    const disk = smallDisk(join(fake.home, 'disk'), '400k');
    if (!disk) return context.skip();
    try {
      const home = join(disk, 'library');
      const registry = new RunRegistry(home);
      const small = new QueueService(home, registry);
      const { id } = await small.sweeps.add('sweep', 'Fits', {}, entriesOf([4]));
      await expect(small.sweeps.add('sweep', 'Large', {}, entriesOf(ranks(60)))).rejects.toThrow('ENOSPC');
      await expect(small.sweeps.extend(id, {}, entriesOf(ranks(60)))).rejects.toThrow('ENOSPC');
      expect(small.sweeps.list().map((record) => [record.name, record.runs.length])).toEqual([['Fits', 1]]);
      expect(registry.ids()).toHaveLength(1);
      expect(readdirSync(join(home, 'sweeps'))).toEqual([id]);
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});

const ranks = (count: number) => Array.from({ length: count }, (_, k) => k + 100);

const entriesOf = (values: readonly number[]) =>
  checked(values).map(({ spec, forecast, ...point }, order) => ({
    ...point,
    spec,
    entry: {
      ...{ v: 1 as const, queuedAt: '', order, mode: 'start' as const, after: null, skipped: false },
      ...{ recovered: 0, data: {} },
      ...{ forecast, before: null, sweep: null, pauseAt: null, plateau: null, pastBudget: false },
    },
  }));
