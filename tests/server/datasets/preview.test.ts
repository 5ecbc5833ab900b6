/** A file looked at before it is imported, and an import that leaves rows out. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { DatasetLibrary } from '../../../electron/server/datasets/library.ts';
import { unusableSentences } from '../../../electron/shared/api/unusable-rows.ts';
import { jsonl, scratchFolder, writeText } from './fixtures.ts';

const scratch = scratchFolder('preview');
const library = new DatasetLibrary(join(scratch, 'home'));
const all = { offset: 0, limit: 100, search: '' };
const rows = [
  { prompt: 'a', answer: 'b', note: 1 },
  { prompt: 'c', answer: null, note: 2 },
  { prompt: 'd', answer: ' ', note: 3 },
  { prompt: 'e', answer: 'f', note: 4 },
];
const file = (name: string, content: string) => writeText(join(scratch, name), content);

describe('a preview', () => {
  it('tells rows, columns, problems and the first rows, and keeps nothing', async () => {
    const path = await file('some.jsonl', jsonl(rows));
    const found = await library.preview(path);
    expect(found).toMatchObject({
      format: 'jsonl',
      rows: 4,
      mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' },
      sample: rows,
      unusable: [{ reason: 'blank_answer', rows: 2, examples: [2, 3] }],
      unused: ['Not used of "some.jsonl": column "note".'],
    });
    expect(unusableSentences(found.unusable, found.rows)).toEqual([
      '2 of 4 rows have a null or blank answer (rows 2, 3).',
    ]);
    expect(readdirSync(join(scratch, 'home/datasets'))).toEqual([]);
  });

  it('fails as the import would, with the choice that helps', async () => {
    const path = await file('ragged.csv', 'prompt,answer\na,b\nc\n');
    await expect(library.preview(path)).rejects.toMatchObject({
      code: 'dataset.unreadable',
      data: { choice: 'ragged' },
    });
    expect(await library.preview(path, { ragged: 'leave_out' })).toMatchObject({ rows: 1 });
    expect(readdirSync(join(scratch, 'home/datasets'))).toEqual([]);
  });

  it('cuts long values, and needs no mapping', async () => {
    const found = await library.preview(await file('long.jsonl', jsonl([{ x: 'y'.repeat(9000), z: 1 }])));
    expect(found).toMatchObject({ mapping: null, unusable: [], unused: [] });
    expect(String(found.sample[0]?.x)).toHaveLength(2001);
  });
});

describe('an import', () => {
  it('keeps all rows unless told to leave out those that cannot be trained on', async () => {
    const path = await file('left.jsonl', jsonl(rows));
    expect((await library.import(path)).rows).toBe(4);
    const card = await library.import(path, 'left', { unusable: 'leave_out' });
    expect(card).toMatchObject({
      rows: 2,
      notes: ['2 of 4 rows have a null or blank answer (rows 2, 3); they were left out.'],
    });
    expect((await library.rows(card.id, all)).rows).toEqual([rows[0], rows[3]]);
  });

  it.each([10, 1500])('is refused where no row would be left: %i rows', async (count) => {
    const path = await file(`none-${count}.jsonl`, jsonl(Array.from({ length: count }, () => rows[2])));
    const before = (await library.list()).length;
    await expect(library.import(path, '', { unusable: 'leave_out' })).rejects.toMatchObject({
      code: 'dataset.bad_row',
      message: expect.stringMatching(/No row would be left|The first 1000 rows would all be left out/),
    });
    expect((await library.list()).length).toBe(before);
  });

  it('that begins with a thousand useless rows is not cut short: the columns are wrong then', async () => {
    const many = [...Array.from({ length: 1000 }, () => rows[2]), rows[0]];
    const path = await file('wrong.jsonl', jsonl(many));
    await expect(library.import(path, '', { unusable: 'leave_out' })).rejects.toMatchObject({
      code: 'dataset.bad_row',
    });
  });
});
