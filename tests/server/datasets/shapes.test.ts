/** Shapes of files that people bring: conversations as lists, folders of splits, quotes and keys that are wrong. Read as meant, or named. */
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openDatasetFile } from '../../../electron/server/datasets/file-cache.ts';
import { DatasetLibrary } from '../../../electron/server/datasets/library.ts';
import { scratchFolder, writeText } from './fixtures.ts';

const scratch = scratchFolder('shapes');
const library = new DatasetLibrary(join(scratch, 'home'));
const put = (name: string, content: string) => writeText(join(scratch, name), content);
const refusal = (path: string, options = {}) =>
  library.preview(path, options).then(
    () => 'read',
    ({ code, message, hint }) => `${code}: ${message} ${hint}`.replaceAll(scratch, ''),
  );

const chat = (n: number) => [
  { role: 'user', content: `q${n}` },
  { role: 'assistant', content: `a${n}` },
];
const line = (value: unknown) => `${JSON.stringify(value)}\n`;

it.each([
  ['lists in a list', 'nested.json', JSON.stringify([chat(1), chat(2)])],
  ['a list on each line', 'lines.jsonl', line(chat(1)) + line(chat(2))],
  [
    'a list on each line, NaN in one',
    'loose.jsonl',
    `[{"role":"user","content":"q1","weight":NaN},{"role":"assistant","content":"a1"}]\n${line(chat(2))}`,
  ],
])('%s: every list of messages is a conversation', async (_, name, content) => {
  const found = await library.preview(await put(name, content));
  expect(found.mapping).toMatchObject({ kind: 'chat', messages: 'messages' });
  expect(found.rows).toBe(2);
  expect((found.sample[1] as { messages: unknown }).messages).toEqual(chat(2));
  expect(found.notes.join()).toContain(
    'Lists of messages became conversations, in the column "messages": 2.',
  );
});

it('one conversation under a name is one row; a table with a column "role" stays one', async () => {
  const one = await library.preview(await put('one.json', JSON.stringify({ id: 7, messages: chat(1) })));
  expect(one.sample).toEqual([{ id: 7, messages: chat(1) }]);
  const table = JSON.stringify(chat(1).map((message) => ({ ...message, chat: 1 })));
  expect((await library.preview(await put('table.json', table))).rows).toBe(2);
});

it('entries, lines and keys that are wrong are named', async () => {
  const of = async (name: string, content: string) => refusal(await put(name, content));
  expect(await of('mixed.json', '[{"a":1},"x"]')).toContain(
    'entry 2 of its list is a string ("x"), not an object',
  );
  expect(await of('lists.jsonl', '["a","b"]\n["c","d"]\n')).toContain(
    'line 1 is not a JSON object: it is a list',
  );
  expect(await of('lists.json', '[[{"a":1}],[{"a":2}]]')).toContain('entry 1 of its list is a list of 1');
  expect(await of('twice.jsonl', '{"a":"x","b":1}\n{"a":"x","a":"y"}\n')).toContain(
    'twice.jsonl cannot be read: line 2: an object has the key "a" twice. Keep one of the two',
  );
});

it('a quote that is never closed is named, and takes no rows with it', async () => {
  const path = await put('quote.csv', 'prompt,answer\na,b\n"x,y\nc,d\ne,f\n');
  const expected =
    'a quote that opens in line 3 is never closed: the 2 lines after it would be a part of its field.';
  expect(await refusal(path)).toContain(expected);
  expect(await refusal(path, { ragged: 'leave_out' })).toContain(expected);
});

it('a folder of splits names its files; a part says that it is one', async () => {
  const rows = line({ prompt: 'a', answer: 'b' });
  for (const name of [
    'data/train-00000-of-00002.jsonl',
    'data/train-00001-of-00002.jsonl',
    'data/test.jsonl',
  ])
    await put(`set/${name}`, rows);
  await put('set/README.md', '# card');
  await put('set/dataset_info.json', '{}');
  const names =
    '/set/data/test.jsonl, /set/data/train-00000-of-00002.jsonl, /set/data/train-00001-of-00002.jsonl';
  expect(await refusal(join(scratch, 'set'))).toBe(
    `dataset.unreadable: /set is a folder, not a file. Choose one of its data files: ${names}.`,
  );
  await expect(openDatasetFile(join(scratch, 'set'), join(scratch, 'cache'))).rejects.toMatchObject({
    hint: expect.stringContaining('test.jsonl'),
  });
  const part = await library.preview(join(scratch, 'set/data/train-00001-of-00002.jsonl'));
  expect(part.notes.join()).toContain('This file is part 2 of 2 of its split');
  expect((await library.preview(join(scratch, 'set/data/test.jsonl'))).notes).toEqual([]);
  await put('none/readme.md', '# nothing');
  expect(await refusal(join(scratch, 'none'))).toContain('no data files were found in it');
});
