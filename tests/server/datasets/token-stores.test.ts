/** Tokens that runs share: made once, whole or not at all, and never used when they are damaged. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { TokenStores } from '../../../electron/server/datasets/token-stores.ts';
import { ownName } from '../../../electron/server/files/leftovers.ts';
import { CollieError } from '../../../electron/shared/errors.ts';
import { scratchFolder } from './fixtures.ts';

const scratch = scratchFolder('token-stores');
let home: string;
let count = 0;
/** How often rows were tokenized. */
let made: number;

beforeEach(() => {
  count += 1;
  home = join(scratch, String(count));
  made = 0;
});

const root = () => join(home, 'cache/tokens');
const dataOf = (run: string) => join(home, 'runs', run, 'data');
const idsOf = (run: string) => readFileSync(join(dataOf(run), 'train.ids.u32'), 'utf8');

interface Change {
  key?: string;
  content?: string;
  fail?: boolean;
  changed?: boolean;
  signal?: AbortSignal;
  most?: number;
}

/** As a run does it. `content`: what its tokens are. */
function use(
  run: string,
  { key = 'k', content = 'tokens', fail, changed = false, signal, most }: Change = {},
) {
  return new TokenStores(home, most).use({
    ...{ key, run, dataDir: dataOf(run), signal },
    make: async (folder) => {
      made += 1;
      mkdirSync(join(folder, 'data'));
      writeFileSync(join(folder, 'data/train.ids.u32'), content);
      writeFileSync(join(folder, 'data/train.mask.u8'), 'mask');
      await new Promise((resolve) => setImmediate(resolve));
      if (fail) throw new CollieError('dataset.empty', 'no rows');
      return { train: { tokens: content.length } };
    },
    stillThat: async () => !changed,
  });
}

describe('tokens that runs share', () => {
  it('are made once, and linked', async () => {
    expect(await use('a')).toEqual({ meta: { train: { tokens: 6 } }, of: null, damage: null });
    expect(await use('b')).toEqual({ meta: { train: { tokens: 6 } }, of: 'a', damage: null });
    expect(made).toBe(1);
    expect(idsOf('b')).toBe('tokens');
    expect(statSync(join(dataOf('b'), 'train.ids.u32')).nlink).toBe(3);
    expect(readdirSync(root())).toEqual(['k']);
  });

  it('are made once by runs that begin at the same time', async () => {
    const all = await Promise.all(['a', 'b', 'c'].map((run) => use(run)));
    expect(made).toBe(1);
    expect(all.filter(({ of }) => of === null)).toHaveLength(1);
    for (const run of ['a', 'b', 'c']) expect(idsOf(run)).toBe('tokens');
  });

  it('are others for another key', async () => {
    await use('a');
    await use('b', { key: 'l', content: 'others' });
    expect(made).toBe(2);
    expect([idsOf('a'), idsOf('b')]).toEqual(['tokens', 'others']);
  });

  it('outlive the store and other runs', async () => {
    await use('a');
    await use('b');
    rmSync(join(home, 'runs/a'), { recursive: true });
    rmSync(root(), { recursive: true });
    expect(idsOf('b')).toBe('tokens');
  });

  it.each<[string, (folder: string) => void, string]>([
    [
      'changed',
      (folder) => writeFileSync(join(folder, 'data/train.ids.u32'), 'tokenz'),
      'train.ids.u32 is not what was written',
    ],
    [
      'shorter',
      (folder) => writeFileSync(join(folder, 'data/train.mask.u8'), 'm'),
      'train.mask.u8 has 1 bytes instead of 4',
    ],
    ['gone', (folder) => rmSync(join(folder, 'data/train.mask.u8')), 'tokens.json cannot be read: ENOENT'],
    [
      'torn',
      (folder) => writeFileSync(join(folder, 'tokens.json'), '{"v": 1, "ru'),
      'tokens.json cannot be read',
    ],
  ])('are made again where they are damaged: %s', async (_, damage, told) => {
    await use('a');
    damage(join(root(), 'k'));
    const found = await use('b');
    expect(found.of).toBeNull();
    expect(found.damage).toContain(told);
    expect(made).toBe(2);
    expect(idsOf('b')).toBe('tokens');
    expect(await use('c')).toMatchObject({ of: 'b', damage: null });
    expect(made).toBe(2);
  });

  it('are not there when making them failed, and not waited for', async () => {
    await expect(use('a', { fail: true })).rejects.toThrow('no rows');
    expect(readdirSync(root())).toEqual([]);
    expect(await use('b')).toMatchObject({ of: null });
    expect(made).toBe(2);
  });

  it('are not shared when the data has changed while they were made', async () => {
    await use('a', { changed: true });
    expect(idsOf('a')).toBe('tokens');
    expect(readdirSync(root())).toEqual([]);
  });

  it('are made by the next where a process was killed over it, whose rest is taken away', async () => {
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const left = join(root(), ownName('.new-').replace(`-${process.pid}-`, `-${pid}-`));
    mkdirSync(join(left, 'data'), { recursive: true });
    writeFileSync(join(root(), '.lock-k'), JSON.stringify({ pid, start: '1' }));
    expect(await use('a')).toMatchObject({ of: null });
    expect(existsSync(left)).toBe(true);
    await new TokenStores(home).sweep();
    expect(readdirSync(root())).toEqual(['k']);
  });

  it('replace what an earlier attempt has left, without writing over what others have', async () => {
    await use('a');
    await use('b');
    writeFileSync(join(dataOf('b'), 'rest'), '');
    await use('b', { key: 'l', content: 'others' });
    expect([idsOf('a'), idsOf('b')]).toEqual(['tokens', 'others']);
    expect(existsSync(join(dataOf('b'), 'rest'))).toBe(false);
  });

  it('go when no run refers to them and they take too much room, the oldest first', async () => {
    for (const key of ['old', 'new']) await use(key, { key, content: 'x'.repeat(100) });
    await use('kept', { key: 'kept', content: 'x'.repeat(500) });
    for (const run of ['old', 'new']) rmSync(join(home, 'runs', run), { recursive: true });
    await new TokenStores(home, 150).sweep();
    expect(readdirSync(root()).sort()).toEqual(['kept', 'new']);
  });

  it('are not waited for any more once that is cancelled', async () => {
    const abort = new AbortController();
    abort.abort();
    await expect(use('a', { signal: abort.signal })).rejects.toMatchObject({ code: 'job.cancelled' });
    expect(made).toBe(0);
  });
});
