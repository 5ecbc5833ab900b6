/** Files that hold no rows: each is refused by what it is, at once, with the way to one that has them. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DatasetLibrary } from '../../../electron/server/datasets/library.ts';
import { toErrorInfo } from '../../../electron/shared/errors.ts';
import { scratchFolder, writeText } from './fixtures.ts';

const scratch = scratchFolder('foreign');
const library = new DatasetLibrary(join(scratch, 'home'));
const noise = (length: number) => Buffer.from(Array.from({ length }, (_, k) => (k * 167 + 13) % 256));
const begins = (text: string) => Buffer.concat([Buffer.from(text, 'latin1'), noise(300)]);
const wide = (text: string) => {
  const bytes = Buffer.alloc(text.length * 4);
  [...text].forEach((one, k) => {
    bytes.writeUInt32LE(one.codePointAt(0) ?? 0, 4 * k);
  });
  return bytes;
};
const refusal = (path: string) =>
  library.preview(path).then(
    () => 'read',
    (thrown) => {
      const { code, message, hint } = toErrorInfo(thrown);
      return `${code}: ${message.replace(scratch, '')} ${hint}`;
    },
  );

it.each<[string, Buffer, string]>([
  ['rows.jsonl', begins('PK\x03\x04'), 'is a zip archive. Unpack it'],
  ['rows.csv', begins('SQLite format 3\0'), 'is an SQLite database. Export the table as CSV'],
  ['rows.npy', begins('\x93NUMPY'), 'is a NumPy array. Load it in Python'],
  ['rows.pkl', begins('\x80\x04\x95'), 'is a Python pickle, a program that is not run.'],
  ['rows.h5', begins('\x89HDF\r\n'), 'is an HDF5 file.'],
  ['rows.avro', begins('Obj\x01'), 'is an Avro file.'],
  ['rows.orc', begins('ORC'), 'is an ORC file.'],
  ['rows.txt', begins('%PDF-1.4\n'), 'is a PDF document.'],
  ['rows.png', begins('\x89PNG\r\n'), 'is a picture. Only texts are trained.'],
  ['rows.lz4', begins('\x04\x22\x4d\x18'), 'is compressed with LZ4.'],
  ['rows.yaml', Buffer.from('- prompt: a\n  answer: b\n'), 'is YAML. Save its list as JSON'],
  ['wide.csv', wide('prompt,answer\na,b\n'), 'is a text in UTF-32. Save it as UTF-8.'],
  ['marked.txt', Buffer.concat([wide('\uFEFF'), wide('日本')]), 'is a text in UTF-32.'],
  ['rows.tfrecord', noise(600), 'holds binary data of an unknown kind, no text.'],
  ['noise.jsonl', noise(600), 'holds binary data of an unknown kind, no text.'],
])('%s', async (name, bytes, what) => {
  const path = await writeText(join(scratch, name), bytes);
  expect(await refusal(path)).toContain(`dataset.unreadable: /${name} ${what}`);
});

it('a NUL, old encodings and UTF-16 are texts all the same', async () => {
  const csv = await writeText(join(scratch, 'nul.csv'), 'prompt,answer\na\0b,c\n');
  expect((await library.preview(csv)).sample).toEqual([{ prompt: 'a\0b', answer: 'c' }]);
  const old = await writeText(join(scratch, 'old.csv'), Buffer.from('prompt,answer\n\xfc,\xe4\n', 'latin1'));
  expect((await library.preview(old, { encoding: 'windows-1252' })).sample).toEqual([
    { prompt: 'ü', answer: 'ä' },
  ]);
  const utf16 = await writeText(
    join(scratch, 'u16.csv'),
    Buffer.from('\uFEFFprompt,answer\nü,日本\n', 'utf16le'),
  );
  expect((await library.preview(utf16)).sample).toEqual([{ prompt: 'ü', answer: '日本' }]);
});

it('notes in Markdown are text, not a table of one column', async () => {
  const path = await writeText(join(scratch, 'notes.md'), '# Title\n\nFirst, a line.\n');
  expect((await library.preview(path)).sample).toEqual([{ text: '# Title' }, { text: 'First, a line.' }]);
});

it('pipes, devices, folders and links to nothing are named; none is waited for', async () => {
  const at = (name: string) => join(scratch, name);
  execFileSync('mkfifo', [at('pipe.jsonl')]);
  mkdirSync(at('folder.jsonl'));
  for (const [link, target] of Object.entries({
    'zero.jsonl': '/dev/zero',
    'nowhere.jsonl': 'gone.jsonl',
    'a.jsonl': 'b.jsonl',
    'b.jsonl': 'a.jsonl',
  }))
    symlinkSync(target, at(link));
  expect(await refusal(at('pipe.jsonl'))).toContain(
    'dataset.unreadable: /pipe.jsonl is a pipe (FIFO), not a file.',
  );
  expect(await refusal(at('zero.jsonl'))).toContain(
    'dataset.unreadable: /zero.jsonl is a device, not a file.',
  );
  expect(await refusal(at('folder.jsonl'))).toContain('dataset.unreadable: /folder.jsonl is a folder');
  expect(await refusal(at('nowhere.jsonl'))).toContain(
    '/nowhere.jsonl is a link to something that is not there.',
  );
  expect(await refusal(at('a.jsonl'))).toContain('file.not_found: /a.jsonl leads through links in a circle');
});
