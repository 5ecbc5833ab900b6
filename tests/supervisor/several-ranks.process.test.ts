/** Real supervisor, real mpirun, fake ranks: their places, the death of one, its restart, and nothing left behind. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { readSupervisorFile } from '../../electron/server/runs/folder.ts';
import { isAlive, processRef } from '../../electron/server/runs/process.ts';
import { isLive } from '../../electron/server/runs/status.ts';
import type { RunStatus } from '../../electron/shared/runs/events.ts';
import { parallelSchema } from '../../electron/shared/spec/parallel-fields.ts';
import { processTree } from '../../electron/supervisor/process-tree.ts';
import { FakeHome } from './harness.ts';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 90_000 });

const noMpi = spawnSync('mpirun', ['--version']).status !== 0;
if (noMpi) console.warn('Tests of several ranks are skipped: there is no mpirun (apt install openmpi-bin).');

let fake: FakeHome;
beforeEach(() => {
  fake = new FakeHome();
});
afterEach(() => fake.remove());

const parallel = parallelSchema.parse({ dp_size: 2, pp_size: 2 });
const allAlive = ({ ranks }: RunStatus) =>
  ranks.length === 4 && ranks.every(({ state, step }) => state === 'alive' && step !== null);
const pids = ({ ranks }: RunStatus) => ranks.map(({ pid }) => processRef(pid ?? 0));

describe.skipIf(noMpi)('several ranks', () => {
  test('show with place, process and step; they complete, each with its own log', async () => {
    const id = fake.create({ steps: 60, stepMs: 20 }, { parallel });
    await fake.registry.start(id);
    const running = await fake.until(id, allAlive);
    expect(running.ranks.map(({ stage, dpRank, tpRank }) => [stage, dpRank, tpRank])).toEqual([
      [0, 0, 0],
      [0, 1, 0],
      [1, 0, 0],
      [1, 1, 0],
    ]);
    expect(new Set(running.ranks.map(({ pid }) => pid)).size).toBe(4);
    expect(running.ranks[3]).toMatchObject({ memoryBytes: 1_000_003, stepSeconds: 0.02, waitSeconds: 0.005 });
    const ended = await fake.until(id, (status) => !isLive(status));
    expect(ended).toMatchObject({ state: 'completed', step: 60, restarts: [] });
    expect(ended.ranks.map(({ state }) => state)).toEqual(['ended', 'ended', 'ended', 'ended']);
    for (const rank of [0, 3])
      expect(readFileSync(join(fake.registry.dir(id), `logs/rank-00${rank}.log`), 'utf8')).toContain(
        'loading',
      );
  });

  test('the death of one ends all and names it', async () => {
    const id = fake.create({ steps: 1e6, dieAt: { step: 8, how: 'kill', rank: 2 } }, { parallel });
    await fake.registry.start(id);
    const failed = await fake.until(id, (status) => !isLive(status));
    expect(failed.error).toMatchObject({ code: 'rank.died', data: { rank: 2, signal: 9 } });
    expect(failed.ranks.map(({ state }) => state)).toEqual(['ended', 'ended', 'gone', 'ended']);
    expect(pids(failed).some(isAlive)).toBe(false);
  });

  test('an error is that of the rank that wrote it', async () => {
    const id = fake.create({ steps: 1e6, dieAt: { step: 8, how: 'error', rank: 3 } }, { parallel });
    await fake.registry.start(id);
    const failed = await fake.until(id, (status) => !isLive(status));
    expect(failed.error).toMatchObject({ code: 'train.non_finite', data: { rank: 3, step: 8 } });
    expect(failed.error?.message).toMatch(/^Rank 3: /);
  });

  test('a launcher that does not notice is ended itself', async () => {
    const id = fake.create({ steps: 1e6, stepMs: 20 }, { parallel });
    await fake.registry.start(id);
    const running = await fake.until(id, allAlive);
    const launcher = readSupervisorFile(fake.registry.dir(id))?.rank?.pid ?? 0;
    // As after the loss of another host: mpirun waits, and so would we.
    process.kill(launcher, 'SIGSTOP');
    process.kill(running.ranks[3]?.pid ?? 0, 'SIGKILL');
    const failed = await fake.until(id, (status) => !isLive(status));
    expect(failed.error).toMatchObject({ code: 'rank.died', data: { rank: 3 } });
    expect(pids(running).some(isAlive)).toBe(false);
  });

  test('with restarts allowed the run goes on from its last checkpoint, by itself', async () => {
    const behaviour = { steps: 40, stepMs: 20, dieAt: { step: 13, how: 'kill', rank: 1 } } as const;
    const id = fake.create(behaviour, { parallel, recovery: { max_restarts: 2 } });
    await fake.registry.start(id);
    const ended = await fake.until(id, (status) => !isLive(status));
    expect(ended).toMatchObject({ state: 'completed', step: 40, attempt: 2, error: null });
    expect(ended.restarts).toHaveLength(1);
    expect(ended.restarts[0]).toMatchObject({ error: { code: 'rank.died', data: { rank: 1 } } });
    const second = fake.events(id).filter(({ type }) => type === 'started')[1];
    expect(`step-${String(second?.step).padStart(8, '0')}`).toBe(ended.restarts[0]?.checkpoint);
    expect(fake.log(id)).toContain('Starting again from step-');
  });

  test('restarts end when they are used up', async () => {
    const behaviour = { steps: 1e6, dieAt: { step: 3, how: 'exit', rank: 1, attempts: 9 } } as const;
    const id = fake.create(behaviour, { parallel, recovery: { max_restarts: 1 } });
    await fake.registry.start(id);
    const failed = await fake.until(id, (status) => !isLive(status));
    expect(failed).toMatchObject({
      state: 'failed',
      attempt: 2,
      error: { code: 'rank.died', data: { rank: 1 } },
    });
    expect(failed.restarts).toHaveLength(1);
  });

  test('stop reaches rank 0, which ends the others', async () => {
    const id = fake.create({ steps: 1e6, stepMs: 20 }, { parallel });
    await fake.registry.start(id);
    await fake.until(id, allAlive);
    await fake.registry.stop(id);
    const stopped = await fake.until(id, (status) => !isLive(status));
    expect(stopped).toMatchObject({ state: 'stopped', error: null });
  });

  test('kill leaves no process behind', async () => {
    const id = fake.create({ steps: 1e6, stepMs: 20 }, { parallel });
    await fake.registry.start(id);
    const running = await fake.until(id, allAlive);
    const rank = readSupervisorFile(fake.registry.dir(id))?.rank;
    const tree = processTree(rank?.pid ?? 0);
    expect(tree.length).toBeGreaterThanOrEqual(5);
    await fake.registry.control(id, { command: 'kill' });
    expect(await fake.until(id, (status) => !isLive(status))).toMatchObject({ state: 'stopped' });
    expect([...tree, ...pids(running)].filter(isAlive)).toEqual([]);
    await expect.poll(() => existsSync(join(fake.registry.dir(id), 'supervisor.json'))).toBe(false);
  });
});
