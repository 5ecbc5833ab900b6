import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { applySet, readSpecFile } from '../../electron/cli/spec-file.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-spec-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const write = (value: unknown) => {
  const path = join(folder, 'spec.json');
  writeFileSync(path, JSON.stringify(value));
  return path;
};

test('paths of a file start at its folder; names of the library and absolute paths stay', () => {
  const path = write({ model: '../model', dataset: { train: 'rows.jsonl', eval: 'library:held-out' } });
  expect(readSpecFile(path, [])).toEqual({
    model: join(folder, '../model'),
    dataset: { train: join(folder, 'rows.jsonl'), eval: 'library:held-out' },
  });
  expect(readSpecFile(write({ model: '~/m', dataset: { train: '/a' } }), [])).toEqual({
    model: join(homedir(), 'm'),
    dataset: { train: '/a' },
  });
});

/** As Notepad, PowerShell's `>` and other editors of Windows save it. */
test.each([
  ['UTF-8 with a mark', (text: string) => Buffer.from(`\uFEFF${text}`)],
  ['UTF-16 with a mark', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le')],
  ['UTF-16 without a mark', (text: string) => Buffer.from(text, 'utf16le')],
  ['UTF-16, big-endian', (text: string) => Buffer.from(`\uFEFF${text}`, 'utf16le').swap16()],
])('reads %s', (_, encode) => {
  const spec = { name: 'Übung 漢字', batch: { seq_len: 256 } };
  const path = join(folder, 'spec.json');
  writeFileSync(path, encode(`${JSON.stringify(spec, null, 2)}\r\n`));
  expect(readSpecFile(path, [])).toEqual(spec);
});

test('--set changes or makes what it names; values are JSON or text', () => {
  const spec = { optimizer: { type: 'adamw' } };
  for (const set of [
    'optimizer.learning_rate=1e-4',
    'batch.packing=true',
    'name=My run',
    'dataset.eval=null',
    'a=b=c',
  ]) {
    applySet(spec, set);
  }
  expect(spec).toEqual({
    optimizer: { type: 'adamw', learning_rate: 1e-4 },
    batch: { packing: true },
    name: 'My run',
    dataset: { eval: null },
    a: 'b=c',
  });
});

test('the adapter to continue from is a path of the file too', () => {
  const path = write({ method: { type: 'lora', init_adapter: 'adapters/a' } });
  expect(readSpecFile(path, [])).toEqual({
    method: { type: 'lora', init_adapter: join(folder, 'adapters/a') },
  });
});

test('--set of another method drops, and names, what that method does not have', () => {
  const notes: string[] = [];
  const spec = { method: { type: 'lora', rank: 8, dropout: 0.1, scaling: 'standard', colour: 1 } };
  applySet(spec, 'method.type=dora', (note) => notes.push(note));
  // What no method has is left for the check to complain of.
  expect(spec.method).toEqual({ type: 'dora', rank: 8, colour: 1 });
  expect(notes).toEqual([
    'method.dropout is left out: dora has no such setting.',
    'method.scaling is left out: dora has no such setting.',
  ]);
  applySet(spec, 'method.type=lorra', (note) => notes.push(note));
  applySet(spec, 'method.rank=4', (note) => notes.push(note));
  expect(spec.method).toEqual({ type: 'lorra', rank: 4, colour: 1 });
  expect(notes).toHaveLength(2);
});

test.each(['novalue', '=1', 'a..b=1', '__proto__.polluted=1', 'name.x=1'])('refuses --set %s', (set) => {
  expect(() => applySet({ name: 'text' }, set)).toThrow(expect.objectContaining({ code: 'spec.invalid' }));
  expect(({} as Record<string, unknown>).polluted).toBeUndefined();
});
