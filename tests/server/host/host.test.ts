/** The host as a client sees it: parsing, confinement and the errors of what is not there. */
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createHost, type Host } from '../../../electron/server/host.ts';
import { methods, topics } from '../../../electron/shared/api/api.ts';
import type { RunStatus } from '../../../electron/shared/runs/events.ts';
import { exampleSpec } from '../../supervisor/harness.ts';

let folder: string;
let home: string;
let host: Host;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-host-'));
  home = join(folder, 'home');
  process.env.COLLIE_RANK = join(folder, 'no-rank');
  process.env.COLLIE_ADDON = join(folder, 'no-addon.node');
  host = createHost({ home, shell: 'browser', paths: 'confined' });
});
afterEach(async () => {
  await host.close();
  delete process.env.COLLIE_ADDON;
  rmSync(folder, { recursive: true, force: true });
});

test('the library is private', () => {
  expect(statSync(home).mode & 0o777).toBe(0o700);
});

test('every method answers or refuses in the words of the contract', async () => {
  for (const method of Object.keys(methods) as (keyof typeof methods)[]) {
    const thrown = await host.call(method, {} as never).then(
      () => null,
      (error: { code?: string }) => error.code ?? String(error),
    );
    expect([null, 'request.invalid', 'engine.not_built']).toContain(thrown);
  }
});

test('bad parameters name the field', async () => {
  await expect(host.call('runs.get', { id: '../x' })).rejects.toMatchObject({
    code: 'request.invalid',
    message: expect.stringContaining('id:'),
  });
  const stream = host.stream('runs.events', {} as never, new AbortController().signal);
  await expect(stream.next()).rejects.toMatchObject({ code: 'request.invalid' });
  expect(Object.keys(topics)).toContain('runs.events');
});

test('a missing engine is told by system.info and when a run is started', async () => {
  const info = await host.call('system.info', {});
  expect(info).toMatchObject({
    home,
    shell: 'browser',
    engine: { built: false, problem: { code: 'engine.not_built' } },
  });
  await expect(host.call('runs.start', { spec: {} })).rejects.toMatchObject({ code: 'engine.not_built' });
  expect(await host.call('runs.list', {})).toEqual([]);
});

test('a page reaches no path outside its folders: imports, exports, specs', async () => {
  const outside = '/etc/hostname';
  for (const method of ['models.import', 'datasets.import'] as const) {
    await expect(host.call(method, { path: outside })).rejects.toMatchObject({ code: 'path.outside' });
  }
  const request = { runId: 'x', kind: 'adapter' as const, destination: '/etc/collie' };
  await expect(host.call('exports.start', request)).rejects.toMatchObject({ code: 'path.outside' });
  const example = exampleSpec(home);
  const dataset = { ...example.dataset, train: outside };
  const method = { type: 'lora', init_adapter: '/etc' };
  const spec = { ...example, model: '/etc', dataset, method };
  const { issues, resolved } = await host.call('spec.validate', { spec });
  expect(resolved).toBeNull();
  expect(issues.map(({ path, code }) => [path, code])).toEqual([
    ['model', 'path.outside'],
    ['dataset.train', 'path.outside'],
    ['method.init_adapter', 'path.outside'],
  ]);
});

test('a command line is not confined', async () => {
  const free = createHost({ home, shell: 'browser', paths: 'any' });
  const { jobId } = await free.call('models.import', { path: '/etc/hostname' });
  const job = await free.services.jobs.finished(jobId);
  expect(job).toMatchObject({ state: 'failed', error: { code: 'gguf.not_gguf' } });
  await free.close();
});

test('an invalid spec fails with all issues', async () => {
  writeFileSync(join(folder, 'no-rank'), '');
  await expect(
    host.call('runs.start', { spec: { method: { type: 'lora', rank: 0 } } }),
  ).rejects.toMatchObject({
    code: 'spec.invalid',
    data: { issues: expect.arrayContaining([expect.objectContaining({ path: 'method.rank' })]) },
  });
});

test('subscribing gives what is there, then changes, until it is ended', async () => {
  const id = host.services.runs.create(exampleSpec(home));
  const seen: RunStatus[] = [];
  const ended = new Promise<unknown>((done) => {
    const stop = host.subscribe(
      'runs.status',
      {},
      (status) => {
        seen.push(status);
        stop();
      },
      done,
    );
  });
  expect(await ended).toBeNull();
  expect(seen).toMatchObject([{ id, state: 'preparing' }]);
});

test('a topic that fails ends with its error', async () => {
  const error = await new Promise((done) => host.subscribe('telemetry', {}, () => {}, done));
  expect(error).toMatchObject({ code: 'engine.not_built' });
});
