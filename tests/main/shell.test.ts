/** The parts of the Electron shell that need no Electron. */
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { bundledEngine } from '../../electron/main/bundle.ts';
import { answerPage, isOurPage } from '../../electron/main/page.ts';
import { type RunEnd, RunWatch } from '../../electron/main/run-watch.ts';
import type { RunStatus } from '../../electron/shared/runs/events.ts';

test('a run that was seen alive is announced once; sleep is held off meanwhile', () => {
  const ends: RunEnd[] = [];
  const awake: boolean[] = [];
  const watch = new RunWatch({ notify: (end) => ends.push(end), keepAwake: (wanted) => awake.push(wanted) });
  const see = (id: string, state: string, more = {}) =>
    watch.see({
      id,
      name: id,
      state,
      step: 5,
      lastLoss: 1.5,
      lastEvalLoss: null,
      error: null,
      alarms: [],
      ...more,
    } as unknown as RunStatus);
  see('old', 'completed');
  see('a', 'running');
  see('b', 'preparing');
  see('a', 'running');
  see('a', 'completed');
  see('a', 'completed');
  see('b', 'failed', { error: { message: 'The loss is NaN.' } });
  expect(ends).toEqual([
    { id: 'a', title: 'a is complete', body: '5 steps, loss 1.500.' },
    { id: 'b', title: 'b failed', body: 'The loss is NaN.' },
  ]);
  expect(awake).toEqual([true, false]);
});

test('an alarm that comes while the shell looks on is announced, one of before is not', () => {
  const said: RunEnd[] = [];
  const watch = new RunWatch({ notify: (end) => said.push(end), keepAwake: () => {} });
  const alarm = (timeUs: number) => ({ step: 7, timeUs, message: `At ${timeUs}.` });
  const see = (alarms: object[]) =>
    watch.see({ id: 'a', name: 'A', state: 'running', alarms } as unknown as RunStatus);
  see([alarm(1)]);
  see([alarm(1)]);
  see([alarm(1), alarm(5), alarm(6)]);
  see([alarm(6)]);
  expect(said).toEqual([{ id: 'a', title: 'A, step 7', body: 'At 6.' }]);
});

test('the page address serves the page folder and nothing else, with its policy', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'collie-page-'));
  const page = join(folder, '.');
  writeFileSync(join(page, 'index.html'), 'the page');
  writeFileSync(join(page, 'app.js'), 'code');
  symlinkSync('/etc/hostname', join(page, 'link.txt'));
  const script = await answerPage(page, 'app://collie/app.js');
  expect(await script.text()).toBe('code');
  expect(script.headers.get('content-type')).toContain('javascript');
  expect(script.headers.get('content-security-policy')).toContain("default-src 'none'");
  for (const url of [
    'app://collie/',
    'app://collie/runs/x',
    'app://collie/../../etc/hostname',
    'app://collie/link.txt',
  ]) {
    expect(await (await answerPage(page, url)).text()).toBe('the page');
  }
  expect((await answerPage(page, 'app://other/app.js')).status).toBe(404);
  expect((await answerPage(join(folder, 'missing'), 'app://collie/')).status).toBe(404);
  rmSync(folder, { recursive: true });
});

test('only our address is ours', () => {
  expect(isOurPage('app://collie/x')).toBe(true);
  for (const url of ['app://collie.evil/', 'app://colliex', 'https://collie/', 'file:///x', ''])
    expect(isOurPage(url)).toBe(false);
});

test('a packaged app finds its engine and libtorch; development and the user are left alone', () => {
  const resources = mkdtempSync(join(tmpdir(), 'collie-resources-'));
  expect(bundledEngine(resources, 'linux', {})).toEqual({});
  mkdirSync(join(resources, 'native'));
  const native = join(resources, 'native');
  expect(bundledEngine(resources, 'linux', { LD_LIBRARY_PATH: '/mine' })).toEqual({
    COLLIE_BUILD_DIR: native,
    LD_LIBRARY_PATH: `${join(native, 'lib')}:/mine`,
  });
  expect(bundledEngine(resources, 'linux', { COLLIE_BUILD_DIR: '/own' })).toEqual({
    LD_LIBRARY_PATH: join(native, 'lib'),
  });
  rmSync(resources, { recursive: true });
});
