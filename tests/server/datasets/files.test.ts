/** Files as other programs leave them: compressed, in other encodings, loose JSON, ragged CSV, pointers. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { importInto } from '../../../electron/server/datasets/folder.ts';
import { readPage } from '../../../electron/server/datasets/rows.ts';
import type { ImportChoices } from '../../../electron/server/datasets/sources.ts';
import { unusedSentences } from '../../../electron/server/datasets/unused.ts';
import { scratchFolder, writeText } from './fixtures.ts';

const scratch = scratchFolder('files');
const fixtures = fileURLToPath(new URL('../../fixtures/datasets', import.meta.url));
let next = 0;

async function imported(path: string, choices: ImportChoices = {}) {
  next += 1;
  const folder = join(scratch, `imported-${next}`);
  const card = await importInto(folder, path, { id: 'x', name: 'x' }, choices);
  const names = card.columns.map(({ name }) => name);
  const { rows } = await readPage(join(folder, 'rows.parquet'), names, { offset: 0, limit: 500, search: '' });
  return { card, rows };
}

const text = async (name: string, content: string | Buffer, choices: ImportChoices = {}) =>
  imported(await writeText(join(scratch, name), content), choices);

const ROW = { prompt: 'a', answer: 'b' };
const objects = [ROW, { prompt: 'c', answer: 'd' }];

describe('compressed and binary files', () => {
  it.each([
    ['a.jsonl.gz', 4],
    ['a.jsonl.bz2', 4],
    ['a.jsonl.xz', 4],
    ['a.jsonl.zst', 160],
  ])('%s', async (name, count) => {
    const { card, rows } = await imported(join(fixtures, name));
    expect(card).toMatchObject({ format: 'jsonl', rows: count });
    expect(rows.slice(0, 2)).toEqual([
      { prompt: 'Name color 0', answer: 'blue 0' },
      { prompt: 'Name color 1', answer: 'blue 1' },
    ]);
  });

  it('a damaged one is refused', async () => {
    const bytes = readFileSync(join(fixtures, 'a.jsonl.gz'));
    await expect(text('half.jsonl.gz', bytes.subarray(0, 40))).rejects.toMatchObject({
      code: 'dataset.unreadable',
      message: expect.stringContaining('cannot be unpacked'),
    });
  });

  it.each(['data.arrow', 'file.feather'])('%s', async (name) => {
    const { card, rows } = await imported(join(fixtures, name));
    expect(card.format).toBe('arrow');
    expect(rows).toEqual([
      { prompt: 'a', answer: 'c' },
      { prompt: 'b', answer: 'd' },
    ]);
  });

  it.each(['lz4.feather', 'zstd.feather'])('%s, compressed within', async (name) => {
    const { rows } = await imported(join(fixtures, name));
    expect(rows).toHaveLength(200);
    expect(rows[1]).toEqual({ ...ROW, n: 1, score: null });
    expect(rows[2]).toEqual({ ...ROW, n: 2, score: 1.5 });
  });

  it('Parquet: messages, messages by column, bytes that are text, bytes that are none', async () => {
    expect((await imported(join(fixtures, 'a.parquet'))).card.mapping).toMatchObject({ kind: 'chat' });
    const transposed = await imported(join(fixtures, 'b.parquet'));
    expect(transposed.card.mapping).toMatchObject({ kind: 'chat', messages: 'conversations' });
    expect((await imported(join(fixtures, 'd.parquet'))).rows[0]?.prompt).toBe('café');
    const { columns } = (await imported(join(fixtures, 'a.parquet'))).card;
    expect(columns.filter(({ type }) => type === 'bytes')).toHaveLength(1);
  });

  it('an Excel workbook is named', async () => {
    await expect(imported(join(fixtures, 'book.xlsx'))).rejects.toMatchObject({
      message: expect.stringContaining('Excel workbook'),
      hint: expect.stringContaining('CSV UTF-8'),
    });
  });

  it.each(['jsonl', 'csv', 'parquet', 'json', 'txt', 'tsv', 'arrow'])(
    'a Git LFS pointer is named: .%s',
    async (extension) => {
      const pointer = `version https://git-lfs.github.com/spec/v1\noid sha256:${'0'.repeat(64)}\nsize 48213\n`;
      await expect(text(`pointer.${extension}`, pointer)).rejects.toMatchObject({
        code: 'dataset.unreadable',
        message: expect.stringContaining('Git LFS pointer'),
      });
    },
  );
});

describe('JSON', () => {
  it.each([
    [
      'pretty-printed, one after another',
      'a.jsonl',
      objects.map((one) => JSON.stringify(one, null, 2)).join('\n'),
    ],
    ['the same, as .json', 'a.json', objects.map((one) => JSON.stringify(one, null, 2)).join('\n')],
    ['several on a line', 'b.jsonl', objects.map((one) => JSON.stringify(one)).join('')],
    ['with commas', 'c.jsonl', objects.map((one) => `${JSON.stringify(one)},\n`).join('')],
    ['a list', 'd.jsonl', JSON.stringify(objects)],
    ['a list of pretty ones', 'e.json', JSON.stringify(objects, null, 2)],
  ])('%s', async (_, name, content) => {
    expect((await text(name, content)).rows).toEqual(objects);
  });

  it('NaN and infinities become null', async () => {
    const { rows } = await text(
      'nan.jsonl',
      '{"prompt":"NaN","answer":"b","score":NaN,"deep":{"x":[-Infinity,1]}}\n{"prompt":"c","answer":"d","score":1.5,"deep":null}\n',
    );
    expect(rows).toEqual([
      { prompt: 'NaN', answer: 'b', score: null, deep: { x: [null, 1] } },
      { prompt: 'c', answer: 'd', score: 1.5, deep: null },
    ]);
    expect((await text('nan.json', '[{"prompt":"a","answer":"b","s":NaN}]')).rows).toEqual([
      { ...ROW, s: null },
    ]);
  });

  it('halves of surrogate pairs become U+FFFD, and are counted; pairs and NUL stay', async () => {
    const { rows, card } = await text(
      'lone.jsonl',
      String.raw`{"prompt":"cut \ud83d","answer":"\ud83d\ude00 \\ud83d \u0000"}`,
    );
    expect(rows).toEqual([{ prompt: 'cut \uFFFD', answer: '😀 \\ud83d \u0000' }]);
    expect(card.notes).toEqual([String.raw`Lone surrogates (\ud800 to \udfff) became U+FFFD: 1.`]);
  });

  it('names the line an editor shows, whatever a line holds', async () => {
    await expect(
      text('separators.jsonl', '{"prompt":"a\u2028b\u2029c","answer":"d"}\n{"prompt":"e","answer":}\n'),
    ).rejects.toMatchObject({
      data: { line: 2 },
    });
  });
});

describe('text files', () => {
  it('the separator line of Excel is no row', async () => {
    expect((await text('sep.csv', 'sep=;\r\nprompt;answer\r\na;b, c\r\n')).rows).toEqual([
      { prompt: 'a', answer: 'b, c' },
    ]);
  });

  it.each(['utf16le', 'be'])('UTF-16, %s', async (order) => {
    const bytes = Buffer.from('\uFEFFprompt,answer\nä,ö\n', 'utf16le');
    const { rows } = await text(`wide-${order}.csv`, order === 'be' ? bytes.swap16() : bytes);
    expect(rows).toEqual([{ prompt: 'ä', answer: 'ö' }]);
  });

  it('windows-1252 when it is chosen; else the error says so', async () => {
    const bytes = Buffer.from('prompt,answer\ncaf\xe9,\x93x\x94\n', 'latin1');
    await expect(text('latin.csv', bytes)).rejects.toMatchObject({
      hint: expect.stringContaining('windows-1252'),
    });
    expect((await text('latin2.csv', bytes, { encoding: 'windows-1252' })).rows).toEqual([
      { prompt: 'café', answer: '“x”' },
    ]);
  });

  it('ragged rows are refused with the lines of an editor, or left out and counted', async () => {
    const content = 'prompt,answer\na,b\n"x\ny",z\nc,d,e\nf\ng,h\n';
    await expect(text('ragged.csv', content)).rejects.toMatchObject({
      message: expect.stringContaining(
        '2 rows have another number of fields than the 2 of the header: line 5 has 3, line 6 has 1.',
      ),
      data: { lines: [5, 6], choice: 'ragged' },
    });
    const { rows, card } = await text('ragged2.csv', content, { ragged: 'leave_out' });
    expect(rows).toEqual([ROW, { prompt: 'x\ny', answer: 'z' }, { prompt: 'g', answer: 'h' }]);
    expect(card.notes).toEqual([
      '2 rows have another number of fields than the header and were left out (lines 5, 6).',
    ]);
  });

  it('prose is a text a line, a table in .txt is a table', async () => {
    const prose = await text(
      'prose.txt',
      'It was a dark, stormy night.\nThe rain fell, in torrents.\n\nEnd.\n',
    );
    expect(prose.card).toMatchObject({ format: 'text', rows: 3, mapping: null });
    expect((await text('table.txt', 'prompt\tanswer\na\tb\n')).rows).toEqual([ROW]);
  });
});

describe('what is not used', () => {
  it('is named: the worse answer of a pair, images, other columns', async () => {
    const { card } = await text(
      'pairs.jsonl',
      JSON.stringify({ prompt: 'q', chosen: 'good', rejected: 'bad', images: ['x'], id: 1 }),
    );
    expect(card.mapping).toMatchObject({ prompt: 'prompt', answer: 'chosen' });
    expect(unusedSentences(card, card.mapping as NonNullable<typeof card.mapping>)).toEqual([
      'The column "rejected" of "x" (the worse answer of a pair) is not used: this run only learns the chosen answers.',
      'The column "images" of "x" is not used: only texts are trained.',
      'Not used of "x": column "id".',
    ]);
  });

  it('the columns are guessed by all rows, not by the first', async () => {
    const rows = [{ messages: null }, { messages: [] }, { messages: [{ role: 'user', content: 'hi' }] }];
    expect(
      (await text('late.jsonl', rows.map((row) => JSON.stringify(row)).join('\n'))).card.mapping,
    ).toMatchObject({ messages: 'messages' });
  });
});
