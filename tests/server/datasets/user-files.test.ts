/** Files as users have them, made here: what is trained of each, to the character, or by which words it is refused. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { looked, TOOLS } from './looked.ts';

const folder = mkdtempSync(join(tmpdir(), 'collie-user-files-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

const lines = (...rows: unknown[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join('');
const user = (content: unknown) => ({ role: 'user', content });
const assistant = (content: unknown) => ({ role: 'assistant', content });
const chat = [user('hi'), assistant('yo')];
const pair = { prompt: 'hi', answer: 'yo' };
const quoted = (text: string) => `"${text.replaceAll('"', '""')}"`;
const TEXT = '<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyo<|im_end|>\n';

describe('the same conversation', () => {
  it.each([
    ['messages as JSON in a text', 'a.jsonl', lines({ messages: JSON.stringify(chat) })],
    ['messages as JSON in a CSV', 'a.csv', `id,messages\n1,${quoted(JSON.stringify(chat))}\n`],
    [
      'content in parts',
      'b.jsonl',
      lines({ messages: [user([{ type: 'text', text: 'hi' }]), assistant('yo')] }),
    ],
    ['roles of Gemma', 'c.jsonl', lines({ messages: [user('hi'), { role: 'model', content: 'yo' }] })],
    [
      'capital roles',
      'd.jsonl',
      lines({
        messages: [
          { role: 'User', content: 'hi' },
          { role: 'Assistant', content: 'yo' },
        ],
      }),
    ],
    ['a list in one line', 'e.jsonl', JSON.stringify([pair])],
    ['a list under a name', 'f.json', JSON.stringify({ version: 1, data: [pair] })],
    ['a comma too many', 'g.json', `[${JSON.stringify(pair)},]`],
    ['tabs in a .csv', 'h.csv', 'prompt\tanswer\nhi\tyo\n'],
    ['semicolons and a mark', 'i.csv', '\uFEFFprompt;answer\nhi;yo\n'],
    ['carriage returns alone', 'j.csv', 'prompt,answer\rhi,yo\r'],
    ['UTF-16', 'k.csv', Buffer.from('\uFEFFprompt,answer\nhi,yo\n', 'utf16le')],
    ['gz without saying so', 'l.jsonl', gzipSync(lines(pair))],
    ['columns of one name', 'm.csv', 'prompt,answer,answer\nhi,yo,no\n'],
    // As TRL's extract_prompt: answers that are whole conversations have the prompt in them.
    [
      'preferences whose answers repeat the prompt',
      'n.jsonl',
      lines({ prompt: 'hi', chosen: chat, rejected: [user('hi'), assistant('no')] }),
    ],
    [
      'preferences of answers alone',
      'o.jsonl',
      lines({ prompt: 'hi', chosen: [assistant('yo')], rejected: [assistant('no')] }),
    ],
  ])('%s', async (_, name, content) => {
    const { rows, unusable } = await looked(file(name, content));
    expect(rows).toEqual([{ text: TEXT, trained: ['yo<|im_end|>'], warnings: [] }]);
    expect(unusable).toEqual([]);
  });

  it('two members of a gz file are both read', async () => {
    const both = Buffer.concat([gzipSync(lines(pair)), gzipSync(lines(pair))]);
    expect((await looked(file('two.jsonl.gz', both))).rows).toHaveLength(2);
  });

  it('a prompt that the answers do not repeat stays before them', async () => {
    const { rows } = await looked(file('p.jsonl', lines({ prompt: 'brief', chosen: chat, rejected: chat })));
    expect(rows[0]?.text).toBe(`<|im_start|>user\nbrief<|im_end|>\n${TEXT}`);
  });
});

it('calls as ShareGPT has them, several at once, and their answers', async () => {
  const call = (name: string) => ({ id: name, type: 'function', function: { name, arguments: '{"x": 1}' } });
  const openai = [
    user('t'),
    { role: 'assistant', content: null, tool_calls: [call('f'), call('g')] },
    { role: 'tool', content: '1' },
    { role: 'tool', content: [{ type: 'text', text: '2' }] },
    assistant('ok'),
  ];
  const { rows } = await looked(file('calls.jsonl', lines({ messages: openai })), { template: TOOLS });
  expect(rows[0]?.trained).toEqual([
    '<call>f {"x": 1}</call><call>g {"x": 1}</call><|im_end|>',
    'ok<|im_end|>',
  ]);
  expect(rows[0]?.text).toContain('<|im_start|>tool\n1<|im_end|>\n<|im_start|>tool\n2<|im_end|>\n');
  const glaive = {
    conversations: [
      { from: 'human', value: 't' },
      { from: 'function_call', value: JSON.stringify({ name: 'f', arguments: '{"x": 1}' }) },
      { from: 'observation', value: '1' },
      { from: 'gpt', value: 'ok' },
    ],
    tools: '[{"name": "f", "parameters": {}}]',
  };
  const [row] = (await looked(file('glaive.jsonl', lines(glaive)), { template: TOOLS })).rows;
  expect(row?.trained).toEqual(['<call>f {"x": 1}</call><|im_end|>', 'ok<|im_end|>']);
  expect(row?.text).toMatch(/^<\|im_start\|>system\nf<\|im_end\|>\n/);
});

it('whether an answer is wanted is no column like others', async () => {
  const rows = [true, false].map((label) => ({ prompt: 'hi', completion: 'yo', label }));
  expect((await looked(file('kto.jsonl', lines(...rows)))).unused).toEqual([
    'The column "label" of "x" (whether an answer is wanted) is not used: this run learns all answers, also those with false.',
  ]);
});

it.each([
  [[{ type: 'image_url', image_url: { url: 'x' } }], 'media', 'a part of type "image_url"'],
  [[{ type: 'tool_result', tool_use_id: '1', content: '12' }], 'content', 'a part of type "tool_result"'],
])('parts that are no texts are called by their type: %j', async (content, reason, words) => {
  const { unusable } = await looked(
    file('parts.jsonl', lines({ messages: [user(content), assistant('yo')] })),
  );
  expect(unusable).toMatchObject([{ reason, rows: 1, first: expect.stringContaining(words) }]);
});

describe('refused by name', () => {
  const page = '\n<!DOCTYPE html>\n<html><head><title>404</title></head></html>\n';
  const latin = (text: string) => Buffer.from(text, 'latin1');
  it.each([
    ['page.json', page, /is a web page \(HTML\)/, /download the file itself/],
    ['page.csv', page, /is a web page \(HTML\)/, /download the file itself/],
    ['page.jsonl', '<html lang="en">', /is a web page \(HTML\)/, /download the file itself/],
    [
      'latin.jsonl',
      latin('{"prompt": "a", "answer": "\xf6"}\n'),
      /line 1 .*not UTF-8/,
      /encoding windows-1252/,
    ],
    [
      'latin.json',
      latin('[{"prompt": "a",\n"answer": "\xf6"}]'),
      /line 2: .*not UTF-8/,
      /encoding windows-1252/,
    ],
    ['repr.jsonl', "{'prompt': 'a', 'answer': 'b'}\n", /line 1 is not a JSON object/, /Fix or delete line 1/],
    ['cut.jsonl.gz', gzipSync(lines(pair)).subarray(0, -12), /cannot be unpacked/, /damaged or incomplete/],
    ['archive.zip', Buffer.from('PK\x03\x04rest'), /is a zip archive/, /Unpack it/],
  ])('%s', async (name, content, message, hint) => {
    await expect(looked(file(name, content))).rejects.toMatchObject({
      code: 'dataset.unreadable',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    });
  });

  it('a text of HTML is text', async () => {
    await expect(looked(file('page.txt', page))).rejects.toThrow('no mapping was guessed');
  });
});
