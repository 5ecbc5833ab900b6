/** The queue over fake ranks: one process starts the runs, and it may be killed at any moment. */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { LOCK_FILE } from '../../../electron/server/queue/runner.ts';
import { QueueService } from '../../../electron/server/queue/service.ts';
import { readEntry } from '../../../electron/server/queue/store.ts';
import { readSupervisorFile } from '../../../electron/server/runs/folder.ts';
import { lockHolder } from '../../../electron/server/runs/lock.ts';
import { isAlive } from '../../../electron/server/runs/process.ts';
import { exampleSpec, type FakeBehaviour, FakeHome } from '../../supervisor/harness.ts';
import { uniform } from '../../support/random.ts';

const KILLS = process.env.COLLIE_FAULTS === 'whole' ? 1000 : 25;
let fake: FakeHome;
let queue: QueueService;

beforeEach(() => {
  fake = new FakeHome();
  queue = new QueueService(fake.home, fake.registry);
  writeFileSync(join(fake.home, 'rows.jsonl'), '{"q":"a","a":"b"}\n');
});

afterEach(async () => {
  queue.set({ paused: true });
  const holder = lockHolder(join(fake.home, LOCK_FILE));
  if (holder && isAlive(holder)) process.kill(holder.pid, 'SIGKILL');
  await expect.poll(() => holder !== null && isAlive(holder), { timeout: 100_000 }).toBe(false);
  fake.remove();
}, 120_000);

/** In line before its data is there, so that nothing may be started meanwhile: the queue is paused by the caller. */
async function add(
  name: string,
  behaviour: FakeBehaviour = {},
  after: string | null = null,
  model = join(fake.home, 'model'),
): Promise<string> {
  const spec = { ...exampleSpec(fake.home), name, model };
  const id = await queue.add(spec, { seconds: 1, memoryBytes: 1e6 }, after);
  const dir = fake.registry.dir(id);
  mkdirSync(join(dir, 'data'), { recursive: true });
  writeFileSync(join(dir, 'data/meta.json'), '{}');
  writeFileSync(join(dir, 'fake.json'), JSON.stringify({ steps: 3, stepMs: 1, ...behaviour }));
  return id;
}

const held = (lock: string): boolean => {
  const holder = lockHolder(lock);
  return holder !== null && isAlive(holder);
};
const completed = (id: string) => fake.until(id, ({ state }) => state === 'completed');
const startedAt = (id: string) => Date.parse(fake.registry.status(id).startedAt ?? '');
const attempts = (id: string) => fake.events(id).filter(({ type }) => type === 'started').length;

describe('the queue', { timeout: 400_000 }, () => {
  it('runs its entries one after another, in their order, each once', async () => {
    queue.set({ paused: true });
    const [a, b, c] = [await add('a'), await add('b'), await add('c')];
    queue.move(c, a);
    expect(queue.state().items.map(({ id }) => id)).toEqual([c, a, b]);
    queue.set({ paused: false });
    for (const id of [a, b, c]) await completed(id);
    expect(startedAt(c)).toBeLessThan(startedAt(a));
    expect(startedAt(a)).toBeLessThan(startedAt(b));
    expect(Date.parse(fake.registry.status(c).finishedAt ?? '')).toBeLessThanOrEqual(startedAt(a));
    expect([a, b, c].map(attempts)).toEqual([1, 1, 1]);
  });

  it('goes on behind a failed run, and leaves alone what is skipped or waits for that run', async () => {
    queue.set({ paused: true });
    const failing = await add('failing', { dieAt: { step: 1, how: 'error', attempts: 9 } });
    const behind = await add('behind', {}, failing);
    const skipped = await add('skipped');
    const last = await add('last');
    queue.change(skipped, { skipped: true });
    queue.set({ paused: false });
    await completed(last);
    expect(fake.registry.status(failing).state).toBe('failed');
    const [first, second] = queue.state().items;
    expect(first).toMatchObject({ id: behind, state: 'waiting' });
    expect(first?.reason).toContain('which has failed');
    expect(second).toMatchObject({ id: skipped, state: 'waiting' });
    queue.change(behind, { after: null });
    await completed(behind);
  });

  it('pauses behind a failed run where that is asked for', async () => {
    queue.set({ paused: true, on_failure: 'pause' });
    const failing = await add('failing', { stepMs: 200, dieAt: { step: 2, how: 'error', attempts: 9 } });
    const next = await add('next');
    queue.set({ paused: false });
    await fake.until(failing, ({ state }) => state === 'failed');
    await expect.poll(() => queue.state().settings.paused, { timeout: 100_000 }).toBe(true);
    expect(fake.registry.status(next).state).toBe('queued');
  });

  it('does not train on data that has changed since', async () => {
    queue.set({ paused: true });
    const changed = await add('changed');
    writeFileSync(join(fake.home, 'rows.jsonl'), '{"q":"other","a":"b"}\n');
    await expect(queue.startNow(changed)).rejects.toThrow('is not what it was');
    queue.set({ paused: false });
    const { error } = await fake.until(changed, ({ state }) => state === 'failed');
    expect(error?.message).toContain(`${join(fake.home, 'rows.jsonl')} is not what it was`);
    expect(error?.hint).not.toBe('');
  });

  it('says that a model was removed while a run waited, and goes on behind it', async () => {
    queue.set({ paused: true });
    const model = join(fake.home, 'removed');
    mkdirSync(model);
    const gone = await add('gone', {}, null, model);
    const next = await add('next');
    rmSync(model, { recursive: true });
    await expect(queue.startNow(gone)).rejects.toThrow(`${model} was removed while it waited`);
    queue.set({ paused: false });
    await completed(next);
    const { state, error } = fake.registry.status(gone);
    expect(state).toBe('failed');
    expect(error).toMatchObject({ code: 'model.not_found' });
    expect(error?.hint).toContain('put the run back in the queue');
    // As it says.
    queue.set({ paused: true });
    mkdirSync(model);
    await queue.retry(gone);
    expect(queue.state().items).toMatchObject([{ id: gone, mode: 'resume' }]);
  });

  it('puts a failed run back in line, and takes it out again as it was', async () => {
    const id = fake.create({ dieAt: { step: 7, how: 'error', attempts: 1 } });
    await fake.registry.start(id);
    await fake.until(id, ({ state }) => state === 'failed');
    queue.set({ paused: true });
    await queue.retry(id);
    expect(queue.state().items[0]).toMatchObject({ id, mode: 'resume' });
    await queue.remove(id);
    rmSync(join(fake.home, 'rows.jsonl')); // Its tokens are in its folder.
    expect(fake.registry.status(id)).toMatchObject({ state: 'failed', phase: 'Failed' });
    await queue.retry(id);
    queue.set({ paused: false });
    expect(await completed(id)).toMatchObject({ attempt: 2, error: null });
  });

  it('deletes a run that never began, and refuses what is not in line', async () => {
    queue.set({ paused: true });
    const [a, b] = [await add('a'), await add('b')];
    queue.change(b, { after: a });
    expect(() => queue.change(a, { after: b })).toThrow('waits for it already');
    await queue.remove(a);
    expect(fake.registry.ids()).toEqual([b]);
    expect(queue.state().items[0]?.reason).toContain('which is gone');
    const done = fake.create();
    expect(() => queue.move(done, null)).toThrow(`The run ${done} is not in the queue`);
  });

  it('keeps an entry that cannot be read in line, skipped', async () => {
    queue.set({ paused: true });
    const id = await add('torn');
    writeFileSync(join(fake.registry.dir(id), 'queue-entry.json'), '{');
    queue.set({ paused: false });
    expect(queue.state().items).toMatchObject([{ id, state: 'waiting', skipped: true }]);
    queue.change(id, { skipped: false });
    await completed(id);
  });

  it('resumes a run whose processes were killed: once, never in a loop', async () => {
    queue.set({ paused: true });
    const cut = await add('cut', { steps: 400, stepMs: 10, checkpointEvery: 5 });
    const next = await add('next');
    queue.set({ paused: false });
    for (const attempt of [1, 2]) {
      await fake.until(
        cut,
        (status) => status.attempt === attempt && status.state === 'running' && status.checkpoint !== null,
      );
      const { supervisor, rank } = readSupervisorFile(fake.registry.dir(cut)) ?? {};
      for (const owned of [supervisor, rank]) if (owned) process.kill(owned.pid, 'SIGKILL');
    }
    await completed(next);
    expect(fake.registry.status(cut)).toMatchObject({ state: 'failed', attempt: 2 });
    expect(readEntry(fake.registry.dir(cut))?.recovered).toBe(1);
    expect(fake.events(cut).filter(({ type }) => type === 'started')).toHaveLength(2);
  });

  it('goes on when the process that starts the runs was killed, without a word from anybody', async () => {
    queue.set({ paused: true });
    const ids = [await add('a', { stepMs: 300 }), await add('b')];
    queue.set({ paused: false });
    await fake.until(ids[0] ?? '', ({ state }) => state === 'running');
    const holder = lockHolder(join(fake.home, LOCK_FILE));
    if (holder) process.kill(holder.pid, 'SIGKILL');
    for (const id of ids) await completed(id);
    expect(ids.map(attempts)).toEqual([1, 1]);
  });

  it(`loses no entry and starts none twice, over ${KILLS} kills at any moment`, {
    // All of it takes an hour where others compile meanwhile.
    timeout: 7_200_000,
  }, async () => {
    const next = uniform(Number(process.env.COLLIE_FAULTS_SEED ?? 17));
    const lock = join(fake.home, LOCK_FILE);
    queue.set({ paused: true });
    const ids: string[] = [];
    let [span, before] = [600, 0];
    for (let kills = 0; kills < KILLS; ) {
      if (queue.state().items.length === 0) {
        queue.set({ paused: true });
        for (let i = 0; i < 4; i += 1) ids.push(await add(`run ${ids.length}`));
        queue.set({ paused: false });
      }
      queue.ensureRunner();
      await expect
        .poll(() => held(lock) || queue.state().items.length === 0, { timeout: 100_000 })
        .toBe(true);
      // The moment is drawn from where it has the lock, so that kills meet starting, watching and ending alike. On a slow machine, where none
      // comes as far as to start a run, later ones are drawn.
      const waiting = queue.state().items.length;
      span = waiting === before ? span * 1.1 : 600;
      before = waiting;
      await delay(next() * span);
      const holder = lockHolder(lock);
      if (!holder || !isAlive(holder)) continue;
      process.kill(holder.pid, 'SIGKILL');
      kills += 1;
    }
    for (const id of ids) await completed(id); // The host starts another one by itself.
    expect(ids.map(attempts)).toEqual(ids.map(() => 1));
    expect(ids.map((id) => fake.registry.status(id).attempt)).toEqual(ids.map(() => 1));
    expect(readFileSync(join(fake.home, 'queue.log'), 'utf8')).toContain(`starting ${ids[0]}`);
  });
});
