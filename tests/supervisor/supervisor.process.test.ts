/** Real supervisor processes over the fake rank: every way a run can go and end. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { newestCheckpoint } from '../../electron/server/runs/checkpoints.ts';
import { readStatus, readSupervisorFile, writeJsonAtomic } from '../../electron/server/runs/folder.ts';
import { isNoticed, keptFile, loadSeries, seriesFolder } from '../../electron/server/runs/kept-series.ts';
import { signedIn } from '../../electron/server/runs/launch.ts';
import { isAlive } from '../../electron/server/runs/process.ts';
import { environmentOf } from '../../electron/server/runs/rebuild.ts';
import { RunRegistry } from '../../electron/server/runs/registry.ts';
import { readSeries } from '../../electron/server/runs/series-file.ts';
import { isLive } from '../../electron/server/runs/status.ts';
import { PAUSED } from '../../electron/shared/runs/events.ts';
import { eventsFile, runFiles } from '../../electron/shared/runs/run-folder.ts';
import { decodeSeries } from '../../electron/shared/runs/series-codec.ts';
import { writeEvents } from '../bench/fabricate.ts';
import { exampleSpec, FakeHome } from './harness.ts';

// Starting a process takes its time on a busy machine.
vi.setConfig({ testTimeout: 90_000, hookTimeout: 90_000 });

let fake: FakeHome;
beforeEach(() => {
  fake = new FakeHome();
});
afterEach(() => fake.remove());

test('a run completes; status, environment and checkpoint tell so', async () => {
  const id = fake.create({ steps: 12 });
  await fake.registry.start(id);
  const status = await fake.until(id, (now) => !isLive(now));
  expect(status).toMatchObject({ state: 'completed', step: 12, totalSteps: 12, attempt: 1, error: null });
  expect(status.checkpoint).toBe('step-00000012');
  expect(status.lastLoss).toBeCloseTo(3 / 12);
  expect(status.finishedAt).not.toBeNull();
  const dir = fake.registry.dir(id);
  // Given back right after the last status.
  await expect.poll(() => existsSync(join(dir, 'supervisor.json'))).toBe(false);
  expect(environmentOf(dir)).toMatchObject({ seeds: { run: 42 }, engine: { version: 'fake' } });
});

test('the series of a long run is kept when it ends, for who opens it first', async () => {
  const id = fake.createStopped({ steps: 5, stepMs: 0 });
  const dir = fake.registry.dir(id);
  writeEvents(dir, 16_000, 20_000); // of an attempt before
  const events = join(dir, eventsFile(0));
  const files = [events, join(dir, runFiles.callbackEvents), join(dir, runFiles.monitorEvents)];
  expect(isNoticed(statSync(events).size)).toBe(true);
  await fake.registry.resume(id);
  await fake.until(id, (now) => !isLive(now));
  const kept = () => loadSeries(keptFile(seriesFolder(fake.home), id), files);
  await expect.poll(kept, { timeout: 30_000 }).not.toBeNull();
  const [found, parsed] = [await kept(), await readSeries(dir)];
  expect(found?.bytes[0]).toBe(statSync(events).size);
  const series = found && decodeSeries(found.series);
  expect(series?.finished).toEqual(parsed.finished);
  expect(series?.attempts).toHaveLength(2);
  expect(series?.steps.metric('loss')).toEqual(parsed.steps.metric('loss'));
});

test('the control socket is private and short enough', async () => {
  const id = fake.create({ steps: 10_000, stepMs: 10 });
  await fake.registry.start(id);
  const socket = readSupervisorFile(fake.registry.dir(id))?.socket ?? '';
  expect(Buffer.byteLength(socket)).toBeLessThan(104);
  expect(statSync(socket).mode & 0o777).toBe(0o600);
  expect(statSync(join(socket, '..')).mode & 0o777).toBe(0o700);
  await fake.registry.control(id, { command: 'ping' });
});

test('stop saves and ends; resume goes on from there', async () => {
  const id = fake.create({ steps: 400, stepMs: 10, checkpointEvery: 1000 });
  await fake.registry.start(id);
  const running = await fake.until(id, (status) => status.step > 3);
  expect(running).toMatchObject({ state: 'running', phase: 'Training' });
  await expect(fake.registry.resume(id)).rejects.toMatchObject({ code: 'run.not_resumable' });
  await fake.registry.stop(id);
  const stopped = await fake.until(id, (status) => !isLive(status));
  expect(stopped.state).toBe('stopped');
  const saved = newestCheckpoint(fake.registry.dir(id));
  expect(saved?.step).toBe(stopped.step);

  await fake.registry.resume(id);
  const resumed = await fake.until(id, (status) => status.step > stopped.step + 2);
  expect(resumed).toMatchObject({ state: 'running', attempt: 2 });
  const second = fake.events(id).filter((event) => event.type === 'started')[1];
  expect(second?.step).toBe(saved?.step);
  const events = fake.events(id); // It goes on meanwhile: read once.
  expect(events.map((event) => event.seq)).toEqual(events.map((_, index) => index));
});

test('a resume has begun once it is answered: the status is no longer that of the attempt before', () => {
  const dir = fake.registry.dir(fake.createStopped());
  const { pid } = spawnSync('true'); // Ended, as `remove` ends who is named here.
  expect(signedIn(dir, pid)).toBe(false);
  writeJsonAtomic(join(dir, 'supervisor.json'), {
    v: 1,
    supervisor: { pid, start: '1' },
    socket: '',
    rank: null,
  });
  expect(signedIn(dir, pid)).toBe(false);
  const preparing = { ...readStatus(dir), state: 'preparing', supervisorPid: pid };
  writeJsonAtomic(join(dir, 'status.json'), preparing);
  expect(signedIn(dir, pid)).toBe(true);
  writeFileSync(join(dir, 'status.json'), '{"torn');
  expect(signedIn(dir, pid)).toBe(false);
});

test('save makes a checkpoint and the run goes on', async () => {
  const id = fake.create({ steps: 10_000, stepMs: 5, checkpointEvery: 100_000 });
  await fake.registry.start(id);
  await fake.until(id, (status) => status.step > 2);
  await fake.registry.control(id, { command: 'save' });
  const saved = await fake.until(id, (status) => status.checkpoint !== null);
  expect(saved.state).toBe('running');
});

test('a killed rank is a failed run with cause, log and way on', async () => {
  const id = fake.create({ steps: 50, checkpointEvery: 5, dieAt: { step: 8, how: 'kill' } });
  await fake.registry.start(id);
  const failed = await fake.until(id, (status) => !isLive(status));
  expect(failed).toMatchObject({
    state: 'failed',
    checkpoint: 'step-00000005',
    error: { code: 'rank.died' },
  });
  expect(failed.error?.data).toMatchObject({ signal: 'SIGKILL' });
  expect(failed.error?.data.log).toContain('loading');
  expect(failed.error?.hint).toContain('step-00000005');
  await fake.registry.resume(id);
  const completed = await fake.until(id, (status) => status.state === 'completed');
  expect(completed).toMatchObject({ attempt: 2, step: 50, error: null });
});

test('a rank that dies before its first checkpoint starts again at step 0', async () => {
  const id = fake.create({ steps: 20, checkpointEvery: 15, dieAt: { step: 3, how: 'exit' } });
  await fake.registry.start(id);
  const failed = await fake.until(id, (status) => !isLive(status));
  expect(failed.error).toMatchObject({ code: 'rank.died', data: { code: 7 } });
  expect(failed.error?.hint).toContain('step 0');
  await fake.registry.resume(id);
  expect(await fake.until(id, (status) => status.state === 'completed')).toMatchObject({ step: 20 });
});

test('after a rank was killed in the middle of a line, the next attempt is read from its first event', async () => {
  const id = fake.create({ steps: 20, dieAt: { step: 8, how: 'torn' } });
  await fake.registry.start(id);
  await fake.until(id, (status) => !isLive(status));
  await fake.registry.resume(id);
  await fake.until(id, (status) => status.state === 'completed');
  expect(fake.log(id)).not.toContain('unreadable');
  expect(fake.events(id).map((event) => event.seq)).toEqual(fake.events(id).map((_, index) => index));
});

test('errors of the rank arrive with their own code, by event or by its last line', async () => {
  const byEvent = fake.create({ dieAt: { step: 7, how: 'error' } });
  const byLine = fake.create({ dieAt: { step: 7, how: 'full' } });
  await Promise.all([fake.registry.start(byEvent), fake.registry.start(byLine)]);
  const nan = await fake.until(byEvent, (status) => !isLive(status));
  expect(nan.error).toMatchObject({ code: 'train.non_finite', data: { step: 7 } });
  const full = await fake.until(byLine, (status) => !isLive(status));
  expect(full.error).toMatchObject({ code: 'disk.full' });
});

test('a killed supervisor: the run shows as failed, its rank saves, resume waits for it', async () => {
  const id = fake.create({ steps: 100_000, stepMs: 5, checkpointEvery: 1_000_000 });
  await fake.registry.start(id);
  await fake.until(id, (status) => status.step > 5);
  const dir = fake.registry.dir(id);
  const owner = readSupervisorFile(dir);
  process.kill(owner?.supervisor.pid ?? 0, 'SIGKILL');
  const failed = await fake.until(id, (status) => !isLive(status));
  expect(failed).toMatchObject({ state: 'failed', error: { code: 'rank.died' } });
  expect(failed.error?.message).toContain('ended unexpectedly');
  await fake.registry.resume(id);
  const resumed = await fake.until(id, (status) => status.state === 'running');
  expect(resumed.attempt).toBe(2);
  expect(owner?.rank && isAlive(owner.rank)).toBe(false);
  // The orphaned rank saved when its input ended, and the second attempt began there.
  const started = fake.events(id).filter((event) => event.type === 'started');
  expect(started[1]?.step).toBeGreaterThan(4);
});

test('one run has one supervisor', async () => {
  const id = fake.create({ steps: 100_000, stepMs: 5 });
  await fake.registry.start(id);
  await expect(fake.registry.start(id)).rejects.toMatchObject({
    code: 'run.not_resumable',
    message: expect.stringMatching(/Process \d+ already supervises/),
  });
  expect(fake.registry.status(id).state).not.toBe('failed');
});

test('of many that start one run at once, from one host or several, one gets it', async () => {
  const id = fake.createStopped({ steps: 100_000, stepMs: 5 });
  const others = [fake.registry, new RunRegistry(fake.home), new RunRegistry(fake.home)];
  const outcomes = await Promise.allSettled(
    [...others, fake.registry].map((registry) => registry.resume(id)),
  );
  expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  for (const outcome of outcomes)
    if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject({ code: 'run.not_resumable' });
  await fake.until(id, ({ step }) => step > 20);
  expect(fake.events(id).filter(({ type }) => type === 'started')).toHaveLength(1);
  expect(fake.registry.status(id)).toMatchObject({ state: 'running', attempt: 1 });
});

test('a live run cannot be removed; a stopped one can', async () => {
  const id = fake.create({ steps: 100_000, stepMs: 5 });
  await fake.registry.start(id);
  await expect(fake.registry.remove(id)).rejects.toThrow(/still going/);
  await fake.registry.stop(id);
  await fake.until(id, (status) => !isLive(status));
  await fake.registry.remove(id);
  expect(fake.registry.list()).toEqual([]);
  expect(() => fake.registry.status(id)).toThrow(/no run/);
});

test('restarts go on while each attempt saves something new', async () => {
  const dieAt = { step: 6, how: 'kill', attempts: 3, fromStart: true } as const;
  const id = fake.create({ steps: 20, checkpointEvery: 5, dieAt }, { recovery: { max_restarts: 3 } });
  await fake.registry.start(id);
  const ended = await fake.until(id, (status) => !isLive(status));
  expect(ended).toMatchObject({ state: 'completed', step: 20, attempt: 4, error: null });
  expect(ended.restarts.map(({ checkpoint }) => checkpoint)).toEqual([
    'step-00000005',
    'step-00000010',
    'step-00000015',
  ]);
});

test('a run that was made longer goes on in a process that claims more memory, and stays paused if it was', async () => {
  const id = fake.create({ steps: 400, stepMs: 10 });
  await fake.registry.start(id);
  await fake.until(id, ({ step }) => step > 3);
  await fake.registry.control(id, { command: 'pause' });
  await fake.until(id, ({ phase }) => phase === PAUSED);
  await fake.registry.control(id, { command: 'change', total_steps: 400 });
  const held = await fake.until(id, ({ attempt, phase }) => attempt === 2 && phase === PAUSED);
  expect(held).toMatchObject({ restarts: [], error: null });
  await fake.registry.control(id, { command: 'continue' });
  const ended = await fake.until(id, (status) => !isLive(status));
  expect(ended).toMatchObject({ state: 'completed', step: 400, attempt: 2, restarts: [], error: null });
});

test('the wish to stop at the end of the epoch holds for the processes that take over, for more memory or after a death', async () => {
  const longer = fake.create({ steps: 1000, stepMs: 5, stepsPerEpoch: 200 });
  const dieAt = { step: 370, how: 'kill' } as const;
  const died = fake.create(
    { steps: 1000, stepMs: 20, stepsPerEpoch: 200, checkpointEvery: 190, dieAt },
    { recovery: { max_restarts: 1 } },
  );
  for (const id of [longer, died]) await fake.registry.start(id);
  await fake.until(longer, ({ step }) => step > 3);
  await fake.registry.control(longer, { command: 'end_epoch' });
  await fake.registry.control(longer, { command: 'change', total_steps: 1000 });
  // Asked for in the second epoch, and started again from step 190 of the first.
  await fake.until(died, ({ step }) => step > 201);
  await fake.registry.control(died, { command: 'end_epoch' });
  const ends = { state: 'stopped', attempt: 2, error: null };
  const ended = await fake.until(longer, (status) => !isLive(status));
  expect(ended).toMatchObject(ends);
  // The first epoch, unless a busy machine brought the command later.
  expect([200, 400, 600, 800]).toContain(ended.step);
  expect(await fake.until(died, (status) => !isLive(status))).toMatchObject({ ...ends, step: 400 });
});

test('a rank that dies in the same way at every start is started again once, and the error says so', async () => {
  const dieAt = { step: 3, how: 'exit', attempts: 99 } as const;
  const id = fake.create({ steps: 50, checkpointEvery: 5, dieAt }, { recovery: { max_restarts: 9 } });
  await fake.registry.start(id);
  const failed = await fake.until(id, (status) => !isLive(status));
  expect(failed).toMatchObject({ state: 'failed', attempt: 2, error: { code: 'rank.died' } });
  expect(failed.restarts).toHaveLength(1);
  expect(failed.error?.hint).toMatch(/^It was not started again by itself: 2 attempts in a row .*step 0/);
});

test('an error that would come again is not tried again, and says so', async () => {
  const dieAt = { step: 7, how: 'error', attempts: 99 } as const;
  const id = fake.create({ steps: 50, dieAt }, { recovery: { max_restarts: 9 } });
  await fake.registry.start(id);
  const failed = await fake.until(id, (status) => !isLive(status));
  expect(failed).toMatchObject({ attempt: 1, restarts: [], error: { code: 'train.non_finite' } });
  expect(failed.alarms.map(({ kind }) => kind)).toContain('not_finite');
  expect(failed.error?.hint).toContain('a restart would meet train.non_finite again');
});

test('kill does not wait for the rank that a dead supervisor left', async () => {
  const id = fake.create({ steps: 1e6, stepMs: 5, ignoreStop: true });
  await fake.registry.start(id);
  await fake.until(id, (status) => status.step > 3);
  const owner = readSupervisorFile(fake.registry.dir(id));
  process.kill(owner?.supervisor.pid ?? 0, 'SIGKILL');
  await fake.until(id, (status) => !isLive(status));
  await fake.registry.resume(id);
  await fake.until(id, ({ phase }) => phase.startsWith('Waiting for the last attempt'));
  await fake.registry.control(id, { command: 'kill' });
  expect(await fake.until(id, (status) => !isLive(status))).toMatchObject({ state: 'stopped' });
  expect(owner?.rank && isAlive(owner.rank)).toBe(false);
});

test('a run folder that is deleted while it trains ends its processes and is not made anew', async () => {
  const id = fake.create({ steps: 1e6, stepMs: 5, checkpointEvery: 1e6 });
  const dir = fake.registry.dir(id);
  await fake.registry.start(id);
  await fake.until(id, (status) => status.step > 3);
  const owner = readSupervisorFile(dir);
  // Moved away first, since the rank goes on writing files while a folder is emptied.
  renameSync(dir, `${dir}.gone`);
  rmSync(`${dir}.gone`, { recursive: true, force: true });
  const lives = () => [owner?.supervisor, owner?.rank].some((ref) => ref && isAlive(ref));
  await expect.poll(lives, { timeout: 30_000 }).toBe(false);
  expect(existsSync(join(dir, 'spec.json'))).toBe(false);
  expect(fake.registry.list()).toEqual([]);
  expect(existsSync(owner?.socket ?? '')).toBe(false);
});

test('a single rank that hangs is ended, named, and tried again from its checkpoint', async () => {
  const id = fake.create(
    { steps: 400, stepMs: 5, checkpointEvery: 5 },
    { recovery: { max_restarts: 2 }, parallel: { ...exampleSpec(fake.home).parallel, hang_timeout: 3 } },
  );
  await fake.registry.start(id);
  await fake.until(id, (status) => status.checkpoint !== null);
  process.kill(readSupervisorFile(fake.registry.dir(id))?.rank?.pid ?? 0, 'SIGSTOP');
  const ended = await fake.until(id, (status) => !isLive(status));
  expect(ended).toMatchObject({
    state: 'completed',
    step: 400,
    restarts: [{ error: { code: 'rank.hung' } }],
  });
});

test('a status that is broken while nobody looks does not keep the run from being resumed', async () => {
  const id = fake.createStopped({ steps: 20, checkpointEvery: 5 });
  writeFileSync(join(fake.registry.dir(id), 'status.json'), '');
  writeFileSync(join(fake.registry.dir(id), 'environment.json'), '{"v":');
  await fake.registry.resume(id);
  expect(await fake.until(id, (status) => !isLive(status))).toMatchObject({ state: 'completed', step: 20 });
});

test('a resume from an older checkpoint goes on there; the newer ones keep their files and count no more', async () => {
  const id = fake.create({ steps: 20, checkpointEvery: 5, dieAt: { step: 17, how: 'kill' } });
  await fake.registry.start(id);
  await fake.until(id, (status) => !isLive(status));
  await expect(fake.registry.resume(id, 'step-00000099')).rejects.toMatchObject({
    code: 'checkpoint.not_found',
  });
  await fake.registry.resume(id, 'step-00000005');
  expect(await fake.until(id, (status) => !isLive(status))).toMatchObject({ state: 'completed', step: 20 });
  const started = fake.events(id).filter(({ type }) => type === 'started');
  expect(started.map(({ step }) => step)).toEqual([0, 5]);
  const names = readdirSync(join(fake.registry.dir(id), 'checkpoints')).sort();
  expect(names.filter((name) => name.startsWith('left-'))).toEqual([
    'left-step-00000010',
    'left-step-00000015',
  ]);
});
