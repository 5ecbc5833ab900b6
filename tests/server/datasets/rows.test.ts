/** Guessing columns, holding rows out, counting tokens, and one row as tokens. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatasetFile } from '../../../electron/server/datasets/file-cache.ts';
import { guessMapping } from '../../../electron/server/datasets/guess.ts';
import { jsonFault } from '../../../electron/server/datasets/json-fault.ts';
import { LengthCache, measureRows, tokenStats } from '../../../electron/server/datasets/lengths.ts';
import { readBatches } from '../../../electron/server/datasets/rows.ts';
import { DatasetService } from '../../../electron/server/datasets/service.ts';
import { splitEvaluation, splitRows } from '../../../electron/server/datasets/split.ts';
import { tokenizeConversation, trainedTokens } from '../../../electron/server/tokenize/conversation.ts';
import { readTokenizer } from '../../../electron/server/tokenize/tokenizer.ts';
import { mappingSchema } from '../../../electron/shared/spec/run-spec.ts';
import { tinyModel } from '../tokenize/fixtures.ts';
import { jsonl, scratchFolder, writeText } from './fixtures.ts';

const scratch = scratchFolder('rows');
const mapping = mappingSchema.parse({ kind: 'prompt_answer', prompt: 'q', answer: 'a' });
const format = { mapping, systemPrompt: '' };
const work = { signal: new AbortController().signal, progress: () => {} };

describe('guessMapping', () => {
  const pair = (
    prompt: string,
    answer: string,
    context: string | null = null,
    system: string | null = null,
  ) => ({
    kind: 'prompt_answer',
    prompt,
    answer,
    context,
    system,
    history: null,
    tools: null,
  });
  const chat = (messages: string, tools: string | null = null, system: string | null = null) => ({
    kind: 'chat',
    messages,
    system,
    tools,
  });
  it.each<[string, Record<string, unknown>, unknown]>([
    ['Alpaca', { instruction: 'i', input: 'x', output: 'o' }, pair('instruction', 'output', 'input')],
    [
      'Dolly',
      { instruction: 'i', context: 'x', response: 'o', category: 'c' },
      pair('instruction', 'response', 'context'),
    ],
    ['prompt and completion', { prompt: 'p', completion: 'c' }, pair('prompt', 'completion')],
    ['question and answer, other case', { id: '1', Question: 'q', Answer: 'a' }, pair('Question', 'Answer')],
    [
      'with system',
      { system_prompt: 's', question: 'q', response: 'a' },
      pair('question', 'response', null, 'system_prompt'),
    ],
    ['input and output', { input: 'i', output: 'o' }, pair('input', 'output')],
    ['OpenAI', { messages: [{ role: 'user', content: 'x' }] }, chat('messages')],
    ['ShareGPT', { id: 'x', conversations: [{ from: 'human', value: 'x' }] }, chat('conversations')],
    ['ShareGPT as text', { conversations: '[{"from": "human", "value": "x"}]' }, chat('conversations')],
    ['messages that are none', { messages: ['x'], prompt: 'p', response: 'r' }, pair('prompt', 'response')],
    ['nothing that fits', { text: 'x', label: 'y' }, null],
    ['a number as answer', { question: 'q', answer: 3 }, pair('question', 'answer')],
    [
      'tools and a system column',
      { messages: [{ role: 'user', content: 'x' }], tools: '[]', system: 's' },
      chat('messages', 'tools', 'system'),
    ],
    [
      'TRL with lists of messages',
      { prompt: [{ role: 'user', content: 'x' }], completion: [{ role: 'assistant', content: 'y' }] },
      pair('prompt', 'completion'),
    ],
    [
      'a preference without a prompt',
      { chosen: [{ role: 'user', content: 'x' }], rejected: [] },
      chat('chosen'),
    ],
    [
      'Alpaca with history',
      { instruction: 'i', output: 'o', history: [['a', 'b']] },
      { ...pair('instruction', 'output'), history: 'history' },
    ],
  ])('%s', (_, row, expected) => {
    const columns = Object.entries(row).map(([name, value]) => ({
      name,
      type: typeof value === 'string' ? 'text' : Array.isArray(value) ? 'list' : 'number',
    }));
    expect(guessMapping(columns, row)).toEqual(expected);
  });
});

describe('splitRows', () => {
  const held = (n: number, fraction: number, seed = 1) => {
    const { heldOut } = splitRows(n, fraction, seed, 1000);
    return [...heldOut.keys()].filter((row) => heldOut[row]);
  };

  it.each([
    [100, 0.05, 5],
    [7, 0.5, 4],
    [20, 0.01, 1],
    [2, 0.5, 1],
    [1, 0.5, 0],
    [0, 0.5, 0],
    [100, 0, 0],
  ])('%i rows, share %d: %i held out', (n, fraction, count) => {
    expect(held(n, fraction)).toHaveLength(count);
  });

  it('depends on the seed alone, spreads, and grows with the share', () => {
    expect(held(1000, 0.1)).toEqual(held(1000, 0.1));
    expect(held(1000, 0.1, 2)).not.toEqual(held(1000, 0.1, 1));
    expect(held(1000, 0.2)).toEqual(expect.arrayContaining(held(1000, 0.1)));
    const half = held(10_000, 0.3).filter((row) => row < 5000).length;
    expect(half).toBeGreaterThan(1350);
    expect(half).toBeLessThan(1650);
  });

  it('evaluates at most as many as asked, all of them held out', () => {
    const { heldOut, evaluated } = splitRows(100, 0.2, 3, 5);
    expect(evaluated.reduce((sum, bit) => sum + bit, 0)).toBe(5);
    for (const [row, bit] of evaluated.entries()) if (bit) expect(heldOut[row]).toBe(1);
    const own = splitEvaluation(10, 3, 4);
    expect([...own.heldOut]).toEqual(Array(10).fill(1));
    expect(own.evaluated.reduce((sum, bit) => sum + bit, 0)).toBe(4);
    expect([...splitEvaluation(3, 3, 4).evaluated]).toEqual([1, 1, 1]);
  });
});

describe('reading', () => {
  it('gives all rows in order over many row groups', { timeout: 60_000 }, async () => {
    const n = 130_000; // more than one row group of Parquet
    const text = Array.from({ length: n }, (_, k) => `${k}\n`).join('');
    const source = await openDatasetFile(
      await writeText(join(scratch, 'many.csv'), `q\n${text}`),
      join(scratch, 'cache'),
    );
    let next = 0;
    await readBatches(source.rowsPath, ['q'], async (rows, first) => {
      expect(first).toBe(next);
      for (const { q } of rows) {
        if (q !== String(next)) throw new Error(`row ${next} is ${q}`);
        next += 1;
      }
    });
    expect(next).toBe(n);
  });
});

describe('token counts', () => {
  const rows = [
    { q: 'one', a: 'short' },
    { q: 'two', a: 'a much longer answer that goes on and on' },
    { q: 'word '.repeat(60), a: 'late' },
  ];
  const open = async () =>
    openDatasetFile(await writeText(join(scratch, 'counts.jsonl'), jsonl(rows)), join(scratch, 'cache'));

  it('are those of tokenizing each row, at any sequence length', async () => {
    const source = await open();
    const tokenizer = await readTokenizer(tinyModel);
    const lengths = await measureRows(source, format, tokenizer);
    for (const seqLen of [8, 100, 110, 200, 512]) {
      const stats = tokenStats(lengths, seqLen);
      const cut = await Promise.all(
        rows.map(({ q, a }) =>
          tokenizeConversation(
            [
              { role: 'user', content: q },
              { role: 'assistant', content: a },
            ],
            tokenizer,
            { seqLen },
          ),
        ),
      );
      const whole = cut.map(({ length }) => length);
      expect(stats).toMatchObject({
        rows: 3,
        tokens: whole.reduce((sum, n) => sum + n, 0),
        min: Math.min(...whole),
        max: Math.max(...whole),
        p95: Math.max(...whole),
        p50: whole.toSorted((a, b) => a - b)[1],
        tooLong: whole.filter((n) => n > seqLen).length,
        allMasked: cut.filter(({ mask }) => trainedTokens(mask) === 0).length,
        endCutOff: cut.filter(({ endCutOff }) => endCutOff).length,
      });
      expect(stats.histogram.reduce((sum, bin) => sum + bin.count, 0)).toBe(3);
    }
  });

  it('are measured once, also by several at a time', async () => {
    const source = await open();
    const tokenizer = await readTokenizer(tinyModel);
    const cache = new LengthCache();
    const [first, second] = await Promise.all([
      cache.measure(source, format, tokenizer),
      cache.measure(source, format, tokenizer),
    ]);
    expect(second).toBe(first);
    expect(cache.get(source, format, tokenizer)).toBe(first);
    expect(cache.get(source, { ...format, systemPrompt: 'x' }, tokenizer)).toBeNull();
  });
});

describe('DatasetService', () => {
  const service = new DatasetService(join(scratch, 'home'), async () => tinyModel);
  const params = (datasetId: string, seqLen: number) => ({
    datasetId,
    modelId: 'any',
    mapping,
    systemPrompt: '',
    seqLen,
  });

  it('shows a row as tokens, what is trained, and what is cut off', async () => {
    const path = await writeText(
      join(scratch, 'view.jsonl'),
      jsonl([
        { q: 'hi', a: 'hello 你' },
        { q: 'x', a: 'y' },
      ]),
    );
    const { id } = await service.import(path, '', work);
    const row = await service.tokenize({ ...params(id, 512), row: 0 });
    expect(row.texts).toHaveLength(row.ids.length);
    expect(row.trained).toHaveLength(row.ids.length);
    expect(row.rendered).toContain('<|im_start|>user\nhi<|im_end|>');
    expect(row.texts.filter((_, k) => row.trained[k]).join('')).toMatch(/^hello .*<\|im_end\|>$/);
    expect(row).toMatchObject({ truncated: 0, warnings: [] });
    const cut = await service.tokenize({ ...params(id, row.ids.length - 2), row: 0 });
    expect(cut).toMatchObject({ truncated: 2, ids: row.ids.slice(0, -2) });
    expect(cut.warnings).toEqual(['The end of the answer falls off: the model does not see where it stops.']);
    const masked = await service.tokenize({ ...params(id, 8), row: 0 });
    expect(masked.warnings).toEqual([
      'No token of this row counts in the loss: it is left out of the training.',
    ]);
    await expect(service.tokenize({ ...params(id, 8), row: 2 })).rejects.toMatchObject({
      code: 'request.invalid',
      message: expect.stringContaining('has 2 rows; row 3 is not there'),
    });
    await expect(
      service.tokenize({ ...params(id, 8), row: 0, mapping: { ...mapping, prompt: 'z' } as typeof mapping }),
    ).rejects.toMatchObject({ code: 'dataset.missing_column' });
    const stats = await service.stats(params(id, 512), work);
    expect(stats).toMatchObject({ rows: 2, max: row.ids.length, tooLong: 0 });
  });
});

describe('jsonFault', () => {
  it.each([
    '{"a": }',
    '[1, 2',
    '[1 2]',
    '{"a" 1}',
    '{a: 1}',
    '[1,]',
    '{"a": 1,}',
    '"open',
    'tru',
    '[] x',
    '{"a": "b\\x"}',
    '[01]',
    '',
  ])('%j', (text) => {
    expect(() => JSON.parse(text)).toThrow();
    const at = jsonFault(text);
    // Everything before the fault can be completed, which is what a fault's place means.
    const endings = ['', '}', ']', '0', '0}', '0]', '""', '":0}', '"a":0}', ':0}', '"a":0}]', '"'];
    expect(endings.some((end) => parses(text.slice(0, at) + end))).toBe(true);
    expect(at).toBeLessThanOrEqual(text.length);
  });
});

function parses(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
