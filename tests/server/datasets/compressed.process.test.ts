/** Compressed files in plain Node, as users run it: loaders of tests see names of CommonJS packages that Node does not. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../../..');

test('gz, zst, bz2, xz, arrow and feather are read by compiled sources', () => {
  const home = mkdtempSync(join(tmpdir(), 'collie-compressed-'));
  const names = [
    'a.jsonl.gz',
    'a.jsonl.zst',
    'a.jsonl.bz2',
    'a.jsonl.xz',
    'data.arrow',
    'file.feather',
    'lz4.feather',
    'zstd.feather',
  ];
  const library = pathToFileURL(join(root, 'dist/electron/server/datasets/library.js')).href;
  const script = `
    import { DatasetLibrary } from ${JSON.stringify(library)};
    const library = new DatasetLibrary(${JSON.stringify(home)});
    const found = {};
    for (const name of ${JSON.stringify(names)})
      found[name] = await library.preview(${JSON.stringify(join(root, 'tests/fixtures/datasets'))} + '/' + name)
        .then(({ rows, sample }) => [rows, sample[0].answer], (error) => error.message);
    console.log(JSON.stringify(found));`;
  try {
    const file = join(home, 'look.mjs');
    writeFileSync(file, script);
    const out = execFileSync(process.execPath, [file], { encoding: 'utf8' });
    expect(JSON.parse(out)).toEqual({
      'a.jsonl.gz': [4, 'blue 0'],
      'a.jsonl.zst': [160, 'blue 0'],
      'a.jsonl.bz2': [4, 'blue 0'],
      'a.jsonl.xz': [4, 'blue 0'],
      'data.arrow': [2, 'c'],
      'file.feather': [2, 'c'],
      'lz4.feather': expect.arrayContaining([expect.any(Number)]),
      'zstd.feather': expect.arrayContaining([expect.any(Number)]),
    });
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}, 240_000);
