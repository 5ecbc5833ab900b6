/** The run list over folders in every state that a crash, a user or another program may leave them in. */
import { execFile } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listExports } from '../../../electron/server/exports/exports.ts';
import { readStatus, writeJsonAtomic, writeJsonInPlace } from '../../../electron/server/runs/folder.ts';
import { logPage } from '../../../electron/server/runs/log.ts';
import { processRef } from '../../../electron/server/runs/process.ts';
import { StatusWatcher } from '../../../electron/server/runs/watch.ts';
import type { RunStatus } from '../../../electron/shared/runs/events.ts';
import { exampleSpec, FakeHome } from '../../supervisor/harness.ts';

let fake: FakeHome;
beforeEach(() => {
  fake = new FakeHome();
});
afterEach(() => fake.remove());

const setStatus = (id: string, change: Partial<RunStatus>) => {
  const dir = fake.registry.dir(id);
  writeJsonAtomic(join(dir, 'status.json'), { ...readStatus(dir), ...change });
};

test('a new run has a readable id, its spec and a status', () => {
  const { registry, home } = fake;
  const spec = { ...exampleSpec(home), name: 'Größe & Stil / 2' };
  const id = registry.create(spec);
  expect(id).toMatch(/^\d{8}-\d{6}-grosse-stil-2$|^\d{8}-\d{6}-gro-e-stil-2$/);
  expect(registry.spec(id)).toEqual(spec);
  expect(registry.status(id)).toMatchObject({ id, name: spec.name, state: 'preparing', attempt: 0 });
  expect(registry.create(spec)).not.toBe(id);
});

test('ids that lead elsewhere are no runs', () => {
  writeFileSync(join(fake.home, 'spec.json'), '{}');
  for (const id of ['..', '../runs', '.', '', 'a/b', 'missing']) {
    expect(() => fake.registry.dir(id)).toThrow(expect.objectContaining({ code: 'run.not_found' }));
  }
});

test('a live state without a living supervisor is a failed run that can be resumed', () => {
  const id = fake.create();
  setStatus(id, { state: 'running', phase: 'Training', supervisorPid: 999_999_999 });
  const status = fake.registry.status(id);
  expect(status).toMatchObject({ state: 'failed', error: { code: 'rank.died' } });
  expect(status.error?.hint).toContain('step 0');
});

test('a process id that was given to another process is not our supervisor', () => {
  const id = fake.create();
  const file = {
    v: 1,
    supervisor: { ...processRef(process.pid), start: '1' },
    socket: '/nowhere',
    rank: null,
  };
  writeFileSync(join(fake.registry.dir(id), 'supervisor.json'), JSON.stringify(file));
  setStatus(id, { state: 'running', supervisorPid: process.pid });
  expect(fake.registry.status(id).state).toBe('failed');
});

test('a broken status file of a run that never began hides no other', () => {
  const good = fake.create();
  const bad = fake.create();
  writeFileSync(join(fake.registry.dir(bad), 'status.json'), '{"v":1,');
  mkdirSync(join(fake.home, 'runs/not-a-run'));
  const all = fake.registry.list();
  expect(all.map(({ id }) => id).sort()).toEqual([good, bad].sort());
  expect(all.find(({ id }) => id === bad)).toMatchObject({ state: 'failed', error: { code: 'rank.died' } });
});

const names = ['first', 'second', 'third', 'fourth'];

// Each process made its run in `.new-<id>`, which is the same for all that begin in one second with one name.
test('processes that create runs of one name at once get runs of their own, with their own settings', async () => {
  const registry = new URL('../../../electron/server/runs/registry.ts', import.meta.url).href;
  const script = (mark: string) => `
    const { RunRegistry } = await import(${JSON.stringify(registry)});
    const spec = ${JSON.stringify(exampleSpec(fake.home))};
    const made = new RunRegistry(${JSON.stringify(fake.home)});
    while (Date.now() % 1000 > 30);
    for (let i = 0; i < 10; i++) console.log(made.create({ ...spec, name: 'Same', model: ${JSON.stringify(mark)} }));`;
  const run = promisify(execFile);
  const outputs = await Promise.all(
    names.map((mark) =>
      run(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script(mark)]).then(
        ({ stdout }) =>
          stdout
            .trim()
            .split('\n')
            .map((id) => ({ id, mark })),
      ),
    ),
  );
  const all = outputs.flat();
  expect(new Set(all.map(({ id }) => id)).size).toBe(40);
  for (const { id, mark } of all) {
    expect(fake.registry.spec(id).model).toBe(mark);
    expect(fake.registry.status(id).id).toBe(id);
  }
  expect(readdirSync(join(fake.home, 'runs')).filter((name) => name.startsWith('.'))).toEqual([]);
});

test('what was left unfinished long ago is swept, what is being made is not', async () => {
  const old = join(fake.home, 'runs/.new-abc123');
  const young = join(fake.home, 'runs/.new-def456');
  const removed = join(fake.home, 'runs/.removed-x');
  for (const folder of [old, young, removed]) mkdirSync(folder);
  utimesSync(old, 0, 0);
  await fake.registry.sweep();
  expect([old, young, removed].map((path) => existsSync(path))).toEqual([false, true, false]);
});

test('the rest of a run folder that was deleted by hand hides nothing and breaks no list', () => {
  const whole = fake.create();
  const torn = fake.create();
  rmSync(join(fake.registry.dir(torn), 'spec.json'));
  expect(fake.registry.list().map((run) => run.id)).toEqual([whole]);
  expect(listExports(fake.registry)).toEqual([]);
});

test('what is not live cannot be stopped, what is complete cannot be resumed', async () => {
  const id = fake.create();
  setStatus(id, { state: 'completed' });
  await expect(fake.registry.stop(id)).rejects.toMatchObject({ code: 'run.not_live' });
  await expect(fake.registry.control(id, { command: 'save' })).rejects.toMatchObject({
    code: 'run.not_live',
  });
  await expect(fake.registry.resume(id)).rejects.toMatchObject({ code: 'run.not_resumable' });
});

test('removing a run that links elsewhere leaves the other place alone', async () => {
  const id = fake.create();
  setStatus(id, { state: 'stopped' });
  const outside = join(fake.home, 'precious');
  mkdirSync(outside);
  writeFileSync(join(outside, 'file'), 'kept');
  symlinkSync(outside, join(fake.registry.dir(id), 'link'));
  await fake.registry.remove(id);
  expect(readFileSync(join(outside, 'file'), 'utf8')).toBe('kept');
  expect(existsSync(join(fake.home, 'runs', id))).toBe(false);
});

test('the log comes in pages that cut no character', () => {
  const id = fake.create();
  const dir = fake.registry.dir(id);
  const text = 'Zeile mit größeren Zeichen 🐕\n'.repeat(20_000);
  writeFileSync(join(dir, 'logs/rank-000.log'), `${text}torn`);
  let read = '';
  let offset = 0;
  for (let pages = 0; pages < 10; pages += 1) {
    const page = logPage(dir, offset);
    read += page.text;
    offset = page.nextOffset;
  }
  expect(read).toBe(text);
  writeFileSync(join(dir, 'logs/rank-000.log'), 'cut\n');
  expect(logPage(dir, offset)).toEqual({ text: 'cut\n', nextOffset: 4 });
});

test('watchers get every status, then each change, made by whomever', async () => {
  const id = fake.create();
  const watcher = new StatusWatcher(fake.registry);
  const abort = new AbortController();
  const stream = watcher.watch(abort.signal);
  expect((await stream.next()).value).toMatchObject({ id, state: 'preparing' });
  const next = stream.next();
  setStatus(id, { state: 'stopped' });
  expect((await next).value).toMatchObject({ id, state: 'stopped' });
  abort.abort();
  expect((await stream.next()).done).toBe(true);
});

test('who asks only for changes gets nothing of what was there before', async () => {
  const [still, changed] = [fake.create(), fake.create()];
  const watcher = new StatusWatcher(fake.registry);
  const abort = new AbortController();
  const next = watcher.watch(abort.signal, true).next();
  setStatus(changed, { phase: 'Loading' });
  watcher.refresh();
  expect((await next).value).toMatchObject({ id: changed, phase: 'Loading' });
  // A second watcher does not make old news of it.
  const second = watcher.watch(abort.signal, true).next();
  setStatus(still, { phase: 'Saving' });
  watcher.refresh();
  expect((await second).value).toMatchObject({ id: still, phase: 'Saving' });
  abort.abort();
});

test('a status overwritten in place, as on a full disk, reads back whole', () => {
  const id = fake.create();
  const dir = fake.registry.dir(id);
  const long = { ...readStatus(dir), phase: 'x'.repeat(500) };
  writeJsonAtomic(join(dir, 'status.json'), long);
  writeJsonInPlace(join(dir, 'status.json'), { ...long, phase: 'short' });
  expect(readStatus(dir).phase).toBe('short');
});
