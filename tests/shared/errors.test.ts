/** What the system says, in words for the user: every error that files give has a code and names its path. */
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { appendTextSync, writeText, writeTextSync } from '../../electron/server/files/write.ts';
import { toErrorInfo } from '../../electron/shared/errors.ts';

const folder = mkdtempSync(join(tmpdir(), 'collie-errors-'));
afterAll(() => rmSync(folder, { recursive: true }));

function errorOf(work: () => void) {
  try {
    work();
  } catch (thrown) {
    return toErrorInfo(thrown);
  }
  throw new Error('nothing was thrown');
}

test('paths that are none, too long, circular, through files, folders as files', () => {
  writeFileSync(join(folder, 'file'), '');
  mkdirSync(join(folder, 'full'));
  writeFileSync(join(folder, 'full/x'), '');
  mkdirSync(join(folder, 'empty'));
  symlinkSync('loop', join(folder, 'loop'));
  const codes = {
    nul: errorOf(() => readFileSync(join(folder, 'a\0b'))),
    long: errorOf(() => readFileSync(join(folder, 'x'.repeat(300)))),
    endless: errorOf(() => readFileSync(`/${'x/'.repeat(5000)}`)),
    loop: errorOf(() => readFileSync(join(folder, 'loop'))),
    through: errorOf(() => readFileSync(join(folder, 'file/inside'))),
    folder: errorOf(() => readFileSync(folder)),
    taken: errorOf(() => mkdirSync(join(folder, 'file'))),
    full: errorOf(() => renameSync(join(folder, 'empty'), join(folder, 'full'))),
  };
  expect(Object.fromEntries(Object.entries(codes).map(([name, { code }]) => [name, code]))).toEqual({
    nul: 'file.not_found',
    long: 'file.not_found',
    endless: 'file.not_found',
    loop: 'file.not_found',
    through: 'file.not_found',
    folder: 'file.unreadable',
    taken: 'path.exists',
    full: 'path.exists',
  });
  expect(codes.full.message).toContain(join(folder, 'full'));
  for (const { message, hint } of Object.values(codes)) {
    expect(message.length).toBeLessThan(800);
    expect(hint).not.toContain('fault in Collie');
  }
});

test.runIf(process.platform === 'linux')(
  'a full disk names the file, also of one that is open already',
  async () => {
    const full = '/dev/full';
    const errors = [errorOf(() => writeTextSync(full, 'x')), errorOf(() => appendTextSync(full, 'x'))];
    errors.push(await writeText(full, 'x').then(() => expect.unreachable(), toErrorInfo));
    for (const error of errors)
      expect(error).toMatchObject({
        code: 'disk.full',
        message: expect.stringContaining(full),
        data: { path: full },
      });
  },
);

test('an argument that a function of ours gave wrongly is still a fault of ours', () => {
  const thrown = Object.assign(new Error("The argument 'encoding' is invalid"), {
    code: 'ERR_INVALID_ARG_VALUE',
  });
  expect(toErrorInfo(thrown).code).toBe('internal');
});
