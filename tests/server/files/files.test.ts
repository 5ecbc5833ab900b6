/** The path picker stays inside its roots, whatever links and dots say. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { expandHome, FileBrowser } from '../../../electron/server/files/files.ts';

let base: string;
let root: string;
let browser: FileBrowser;
beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'collie-files-')));
  root = join(base, 'root');
  mkdirSync(join(root, 'b-folder'), { recursive: true });
  mkdirSync(join(base, 'outside'));
  mkdirSync(join(base, 'root-beside'));
  writeFileSync(join(root, 'a.gguf'), '12345');
  writeFileSync(join(root, '.hidden'), '');
  writeFileSync(join(base, 'outside/secret'), '');
  symlinkSync(join(base, 'outside'), join(root, 'way-out'));
  symlinkSync(join(root, 'b-folder'), join(root, 'inner-link'));
  symlinkSync(join(base, 'outside/new'), join(root, 'dangling'));
  browser = new FileBrowser([root]);
});
afterEach(() => rmSync(base, { recursive: true, force: true }));

const outside = expect.objectContaining({ code: 'path.outside' });

test('lists folders first, leaves out hidden files and links that lead outside', async () => {
  const { entries, parent, path } = await browser.list(root);
  expect(path).toBe(root);
  expect(parent).toBeNull();
  expect(entries.map(({ name, kind }) => [name, kind])).toEqual([
    ['b-folder', 'folder'],
    ['inner-link', 'folder'],
    ['a.gguf', 'file'],
  ]);
  expect(entries[2]?.sizeBytes).toBe(5);
  expect((await browser.list(join(root, 'b-folder'))).parent).toBe(root);
  expect((await browser.list('')).path).toBe(root);
});

test.each([
  ['a parent', () => join(root, '..')],
  ['dots inside', () => join(root, 'b-folder/../../outside')],
  ['a neighbour with the same beginning', () => join(base, 'root-beside')],
  ['a link that leads outside', () => join(root, 'way-out')],
  ['a file behind such a link', () => join(root, 'way-out/secret')],
  ['a new file behind such a link', () => join(root, 'way-out/new-file')],
  ['the root of the disk', () => '/'],
  ['what does not exist outside', () => join(base, 'outside/missing')],
])('refuses %s', async (_name, path) => {
  await expect(browser.confine(path())).rejects.toEqual(outside);
});

test('a dangling link is no new file: writing to it would create its target', async () => {
  await expect(browser.confine(join(root, 'dangling'))).rejects.toThrow();
});

test('new files inside are allowed, and missing folders say so when listed', async () => {
  expect(await browser.confine(join(root, 'new/deeper/file'))).toBe(join(root, 'new/deeper/file'));
  await expect(browser.list(join(root, 'new'))).rejects.toMatchObject({ code: 'ENOENT' });
});

test('~ is the home folder', () => {
  expect(expandHome('~')).toBe(homedir());
  expect(expandHome('~/x')).toBe(join(homedir(), 'x'));
  expect(expandHome('~x')).toBe('~x');
});
