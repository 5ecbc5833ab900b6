/** tests/run.mjs: what it says of suites that there are not. */
import { spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

test('an unknown suite is named with those that there are, before anything is set up', () => {
  const run = spawnSync(process.execPath, [resolve(import.meta.dirname, 'run.mjs'), 'unit', 'units'], {
    encoding: 'utf8',
  });
  expect(run.status).toBe(2);
  expect(run.stdout).toBe('');
  expect(run.stderr).toMatch(/No suite `units`\. There are: unit, process, .*, fast\n$/);
});
