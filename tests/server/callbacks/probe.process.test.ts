/** Loading an approved callback before a run is made of it. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';
import { probeCallback } from '../../../electron/server/callbacks/probe.ts';
import { readCallback } from '../../../electron/server/callbacks/source.ts';

vi.setConfig({ testTimeout: 120_000 });

const home = mkdtempSync(join(tmpdir(), 'collie-probe-'));
afterAll(() => rmSync(home, { recursive: true, force: true }));

const probe = (code: string, limitSeconds?: number) => {
  const path = join(home, 'mine.ts');
  writeFileSync(path, code);
  return probeCallback(readCallback(path), limitSeconds);
};

test('one that is sound passes, whatever it has started', async () => {
  await probe('setInterval(() => {}, 10); export default { onStep() {} };');
});

test.each([
  ["import './helper.ts'; export default { onStep() {} };", /A callback is one file/],
  ["\nthrow new Error('at once');", /at once \(line 2 of mine\)/],
  ['process.exit(0);', /its process ended with code 0/],
])('%s is refused', async (code, message) => {
  await expect(probe(code)).rejects.toMatchObject({
    code: 'callback.invalid',
    message: expect.stringMatching(message),
  });
});

test('one that is never loaded is given up', async () => {
  await expect(probe('for (;;) ;', 2)).rejects.toThrow(/was not loaded after 2 seconds/);
});
