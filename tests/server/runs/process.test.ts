/** Processes by id and start time: ids are used again. */
import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { isAlive, processRef } from '../../../electron/server/runs/process.ts';

test('a process that runs is alive; one of the same id that began at another time is another', () => {
  const own = processRef(process.pid);
  expect(isAlive(own)).toBe(true);
  expect(isAlive({ ...own, start: '1' })).toBe(process.platform !== 'linux');
});

test.skipIf(process.platform !== 'linux')(
  'one that had ended before it was written down stays dead when its id is used again',
  () => {
    const { pid } = spawnSync('true');
    const ended = processRef(pid);
    expect(isAlive(ended)).toBe(false);
    expect(isAlive({ ...ended, pid: process.pid })).toBe(false);
  },
);
