/** Callbacks before a run: their files, what is approved, and what is found wrong without running any of it. */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  readRecorded,
  recordCallbacks,
  trustedCallbacks,
} from '../../../electron/server/callbacks/record.ts';
import { CallbackService, readUnapproved } from '../../../electron/server/callbacks/service.ts';
import { readCallback, toJavaScript } from '../../../electron/server/callbacks/source.ts';
import { TrustedCallbacks } from '../../../electron/server/callbacks/trust.ts';
import { methods } from '../../../electron/shared/api/api.ts';
import { callbackNames } from '../../../electron/shared/runs/callbacks.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'collie-callbacks-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const GOOD = 'export default { onStep(event: { step: number }) {} };';
const written = (name: string, code = GOOD) => {
  const path = join(home, name);
  writeFileSync(path, code);
  return path;
};

describe('the file of a callback', () => {
  test.each([
    ['missing.ts', null, 'file.not_found', /no callback .*missing\.ts/],
    ['notes.txt', GOOD, 'callback.invalid', /no TypeScript or JavaScript/],
    ['old.cjs', GOOD, 'callback.invalid', /no TypeScript or JavaScript/],
    ['large.ts', `// ${'x'.repeat(300_000)}`, 'callback.invalid', /has 30\d+ bytes/],
    ['torn.ts', 'const a = 1;\nexport default {{', 'callback.invalid', /line 2/],
    ['kinds.ts', 'enum A { b }\nexport default {};', 'callback.invalid', /line 1: TypeScript enum/],
  ])('%s is refused with a reason', async (name, code, error, message) => {
    if (code !== null) written(name, code);
    await expect(readUnapproved(join(home, name))).rejects.toMatchObject({
      code: error,
      message: expect.stringMatching(message),
    });
  });

  test('keeps every line and column when its types are taken out', async () => {
    const text =
      'interface A {\n  b: number;\n}\nexport default { onStep(e: A): void { throw 1 } } satisfies object;\n';
    const code = toJavaScript({ path: 'x.ts', text });
    expect(code).toHaveLength(text.length);
    expect(code.split('\n')[3]?.indexOf('throw')).toBe(text.split('\n')[3]?.indexOf('throw'));
    expect(code).not.toContain('interface');
  });

  test('JavaScript stays as it is', () => {
    expect(toJavaScript({ path: 'x.mjs', text: 'export default {};' })).toBe('export default {};');
  });
});

test('names of callbacks are those of their files, each once', () => {
  expect(callbackNames(['/a/mine.ts', 'b\\mine.mjs', '/c/My callback!.ts', '/d/.ts'])).toEqual([
    'mine',
    'mine-2',
    'My-callback-',
    'callback',
  ]);
});

describe('approval', () => {
  test('is of the content, and goes with any change of it', async () => {
    const service = new CallbackService(home);
    const path = written('mine.ts');
    await expect(service.require([path])).rejects.toMatchObject({
      code: 'callback.not_trusted',
      data: { callbacks: [{ path }] },
    });
    const { sha256 } = readCallback(path);
    service.approve([{ path, sha256 }]);
    expect(service.trusted.list()).toMatchObject([{ path, sha256 }]);
    expect(new TrustedCallbacks(home).has({ sha256 })).toBe(true);
    written('mine.ts', `${GOOD} // more`);
    await expect(service.require([path])).rejects.toMatchObject({ code: 'callback.not_trusted' });
    // What is approved is what was shown.
    expect(() => service.approve([{ path, sha256 }])).toThrow(/not approved/);
    expect(service.trusted.forget((one) => one.sha256 === sha256)).toMatchObject([{ path, sha256 }]);
    expect(service.trusted.list()).toEqual([]);
  });

  test('a damaged record allows nothing, and approving again mends it', () => {
    const trusted = new TrustedCallbacks(home);
    const source = readCallback(written('mine.ts'));
    trusted.add(source);
    const file = join(home, 'trusted-callbacks', `${source.sha256}.json`);
    // As it has been written since there are callbacks.
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      ...{ v: 1, sha256: source.sha256, path: source.path },
      at: expect.any(String),
    });
    writeFileSync(file, '');
    expect(trusted.has(source)).toBe(false);
    expect(trusted.list()).toEqual([]);
    trusted.add(source);
    expect(trusted.has(source)).toBe(true);
  });

  test('no hash leads out of its folder', () => {
    expect(() => new TrustedCallbacks(home).has({ sha256: '../../etc/passwd' })).toThrow(/no SHA-256/);
  });

  test('what is not approved is read and never run', async () => {
    const service = new CallbackService(home);
    const path = written(
      'mine.ts',
      `import { writeFileSync } from 'node:fs';\nwriteFileSync('${home}/ran', '');\nexport default {};`,
    );
    expect(await service.inspect(path)).toMatchObject({ trusted: false, problem: null });
    expect(existsSync(join(home, 'ran'))).toBe(false);
  });
});

describe('in a run folder', () => {
  test('the copies run, under the hash that they have there', () => {
    const path = written('mine.ts');
    recordCallbacks(home, [path]);
    written('mine.ts', 'export default 2;');
    const [recorded] = readRecorded(home);
    expect(recorded).toMatchObject({ name: 'mine', text: GOOD, file: 'callbacks/mine.ts' });
    expect(() => trustedCallbacks(home, home)).toThrow(/callbacks\/mine\.ts would run as a program/);
    new TrustedCallbacks(home).add({ path, sha256: recorded?.sha256 ?? '' });
    expect(trustedCallbacks(home, home)).toHaveLength(1);
    writeFileSync(join(home, 'callbacks/mine.ts'), 'export default 3;');
    expect(() => trustedCallbacks(home, home)).toThrow(/would run/);
  });

  test('a record from elsewhere leads nowhere else, and one that is damaged is named', () => {
    const path = written('mine.ts');
    recordCallbacks(home, [path]);
    const file = join(home, 'callbacks/callbacks.json');
    const record = JSON.parse(readFileSync(file, 'utf8'));
    const wrong = [
      { name: '../mine' },
      { name: 'a/../../mine' },
      { file: '../mine.ts' },
      { file: 'callbacks/../mine.ts' },
    ];
    for (const part of wrong) {
      writeFileSync(file, JSON.stringify({ ...record, callbacks: [{ ...record.callbacks[0], ...part }] }));
      expect(() => readRecorded(home), JSON.stringify(part)).toThrow(
        /callbacks\.json is no record of callbacks/,
      );
    }
    writeFileSync(file, '{');
    expect(() => readRecorded(home)).toThrow(/is no record of callbacks/);
    const log = (callback: string) =>
      methods['runs.log'].params.safeParse({ id: 'r', offset: 0, callback }).success;
    expect(['mine', 'mine-2', 'a/../../../x', '..', ''].map(log)).toEqual([true, true, false, false, false]);
  });

  test('without callbacks nothing is made', () => {
    recordCallbacks(home, []);
    expect(existsSync(join(home, 'callbacks'))).toBe(false);
    expect(trustedCallbacks(home, home)).toEqual([]);
  });
});
