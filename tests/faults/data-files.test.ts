/** Damaged data files of every format, from import to tokens: read, or refused by name; nothing is left behind. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import { measureRows } from '../../electron/server/datasets/lengths.ts';
import { DatasetLibrary } from '../../electron/server/datasets/library.ts';
import { readTokenizer } from '../../electron/server/tokenize/tokenizer.ts';
import { CollieError } from '../../electron/shared/errors.ts';
import { jsonl, scratchFolder } from '../server/datasets/fixtures.ts';
import { tinyModel } from '../server/tokenize/fixtures.ts';
import { inputs } from './campaign.ts';

const scratch = scratchFolder('faults');
const fixture = (name: string) => readFileSync(join(import.meta.dirname, '../fixtures/datasets', name));

const rows = Array.from({ length: 12 }, (_, k) => ({
  prompt: `What is ${k}, "really"?`,
  answer: `${k} é.\nYes`,
}));
const chats = rows.map(({ prompt, answer }) => ({
  tools: [{ type: 'function', function: { name: 'f', parameters: { a: null } } }],
  messages: [
    { role: 'system', content: 'Be brief.' },
    { role: 'user', content: prompt },
    { role: 'assistant', content: null, tool_calls: [{ function: { name: 'f', arguments: '{}' } }] },
    { role: 'tool', content: '7' },
    { role: 'assistant', content: answer, weight: 1 },
  ],
}));
const csv = `prompt,answer\n${rows.map(({ prompt, answer }) => `"${prompt.replaceAll('"', '""')}","${answer}"`).join('\n')}\n`;

test.each<[string, string | Buffer]>([
  ['rows.jsonl', jsonl(rows)],
  ['chats.jsonl', jsonl(chats)],
  ['rows.json', JSON.stringify(rows, null, 2)],
  ['rows.csv', csv],
  ['rows.tsv', csv.replaceAll(',', '\t')],
  ['rows.txt', rows.map(({ answer }) => answer).join('\n')],
  ['rows.parquet', fixture('a.parquet')],
  ['rows.arrow', fixture('data.arrow')],
  ['rows.jsonl.gz', gzipSync(jsonl(rows))],
  ['rows.jsonl.zst', fixture('a.jsonl.zst')],
  ['rows.jsonl.xz', fixture('a.jsonl.xz')],
  ['rows.jsonl.bz2', fixture('a.jsonl.bz2')],
])('%s', async (name, content) => {
  const home = join(scratch, `home-${name}`);
  const library = new DatasetLibrary(home);
  const path = join(scratch, name);
  const tokenizer = await readTokenizer(tinyModel);
  await inputs(name, content, async (bytes) => {
    writeFileSync(path, bytes);
    let id: string | null = null;
    try {
      const card = await library.import(path, 'x', {});
      id = card.id;
      if (card.mapping === null) throw new CollieError('request.invalid', 'Nothing fits.');
      const source = await library.resolve(`library:${id}`);
      await measureRows(source, { mapping: card.mapping, systemPrompt: '' }, tokenizer);
    } finally {
      if (id !== null) await library.remove(id);
      const folder = join(home, 'datasets');
      expect(existsSync(folder) ? readdirSync(folder) : []).toEqual([]);
    }
  });
});
