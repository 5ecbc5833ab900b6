import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openDatasetFile } from '../../../electron/server/datasets/file-cache.ts';
import { prepareDataset } from '../../../electron/server/datasets/prepare.ts';
import { addonPath } from '../../../electron/server/native/addon.ts';
import { promptIds, tokenizeConversation } from '../../../electron/server/tokenize/conversation.ts';
import { readTokenizer } from '../../../electron/server/tokenize/tokenizer.ts';
import { evalRowSchema } from '../../../electron/shared/runs/evaluation-rows.ts';
import { tinyModel } from '../tokenize/fixtures.ts';
import { jsonl, MemoryStores, scratchFolder, specFor, writeText } from './fixtures.ts';

const scratch = scratchFolder('prepare');
let runs = 0;

const qa = (n: number) =>
  Array.from({ length: n }, (_, k) => ({ question: `What is ${k} + 1?`, answer: `It is ${k + 1}.` }));
const dataFile = (name: string, rows: readonly unknown[]) =>
  writeText(join(scratch, `${name}.jsonl`), jsonl(rows));

/** Prepares into a fresh folder; the stores keep what would be written. */
async function prepare(train: string, changes: Record<string, unknown> = {}, signal?: AbortSignal) {
  runs += 1;
  const dataDir = join(scratch, `run-${runs}`, 'data');
  const stores = new MemoryStores();
  const progress: number[] = [];
  const outcome = await prepareDataset(
    specFor(train, changes),
    tinyModel,
    dataDir,
    (fraction) => progress.push(fraction),
    signal,
    stores,
  ).then(
    (meta) => ({ meta, error: null }),
    (error) => ({ meta: null, error }),
  );
  return { dataDir, stores, progress, ...outcome };
}

const jsonLines = (text: string): unknown[] =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));

const noEval = { dataset: { eval_fraction: 0 } };

/** As prepare, for what must work. */
async function prepared(train: string, changes: Record<string, unknown> = {}) {
  const outcome = await prepare(train, changes);
  if (outcome.error) throw outcome.error;
  return outcome;
}

describe('prepareDataset', () => {
  it('a weight of a message is the weight of its tokens; rows without one have none', async () => {
    const ask = { role: 'user', content: 'when?' };
    const chat = (fields: object) => ({
      messages: [
        ask,
        { role: 'assistant', content: 'noon', ...fields },
        ask,
        { role: 'assistant', content: 'no' },
      ],
    });
    const { stores } = await prepared(
      await dataFile('weights', [chat({ weight: 0.25 }), chat({ weight: 1 })]),
      {
        dataset: { eval_fraction: 0, mapping: { kind: 'chat', messages: 'messages' } },
      },
    );
    const [weighted, plain] = stores.documents('train');
    expect(plain?.weights).toBeUndefined();
    const trained = weighted?.mask.map((counts, k) => (counts ? (weighted.weights?.[k] ?? null) : 0));
    expect([...new Set(trained)].sort()).toEqual([0, 0.25, 1]);
    expect(weighted?.mask).toEqual(plain?.mask);
  });

  it('writes every row as it is tokenized, in order, and counts it', async () => {
    const rows = qa(5);
    const { meta, stores, dataDir, progress } = await prepared(await dataFile('plain', rows), noEval);
    const tokenizer = await readTokenizer(tinyModel);
    const documents = stores.documents('train');
    expect(documents).toHaveLength(5);
    let tokens = 0;
    for (const [k, { question, answer }] of rows.entries()) {
      const { ids, mask } = await tokenizeConversation(
        [
          { role: 'user', content: question },
          { role: 'assistant', content: answer },
        ],
        tokenizer,
      );
      expect(documents[k]).toEqual({ ids: [...ids], mask: [...mask] });
      tokens += ids.length;
    }
    expect(meta).toMatchObject({
      v: 1,
      tokenizer: tokenizer.hash,
      train: { rows: 5, documents: 5, tokens, tooLong: 0, masked: 0 },
      eval: null,
      warnings: [],
    });
    expect(stores.stores.has('eval')).toBe(false);
    expect(JSON.parse(await readFile(join(dataDir, 'meta.json'), 'utf8'))).toEqual(meta);
    expect(existsSync(join(dataDir, 'import'))).toBe(false);
    expect(progress.at(-1)).toBe(1);
  });

  it('holds out the same rows whatever the seed, none of them trained', async () => {
    const path = await dataFile('held', qa(40));
    const held = { dataset: { eval_fraction: 0.25 } };
    const first = await prepared(path, held);
    expect(first.stores.documents('train')).toHaveLength(30);
    expect(first.stores.documents('eval')).toHaveLength(10);
    const again = await prepared(path, held);
    expect([...again.stores.stores]).toEqual([...first.stores.stores]);
    const other = await prepared(path, { ...held, seed: 7 });
    expect(other.stores.documents('eval')).toEqual(first.stores.documents('eval'));
    const all = await prepared(path, noEval);
    const key = (document: unknown) => JSON.stringify(document);
    const both = [...first.stores.documents('train'), ...first.stores.documents('eval')].map(key).sort();
    expect(both).toEqual(all.stores.documents('train').map(key).sort());
  });

  it('evaluates at most max_rows; the other held-out rows are not trained on either', async () => {
    const path = await dataFile('limited', qa(40));
    const limited = await prepared(path, { dataset: { eval_fraction: 0.25 }, evaluation: { max_rows: 4 } });
    expect(limited.stores.documents('train')).toHaveLength(30);
    expect(limited.stores.documents('eval')).toHaveLength(4);
  });

  it('takes evaluation rows from a file of their own', async () => {
    const train = await dataFile('own-train', qa(6));
    const evaluation = await writeText(join(scratch, 'own-eval.csv'), 'question,answer\nwhy?,because\n');
    const { meta, stores, progress } = await prepared(train, {
      dataset: { eval: evaluation, eval_fraction: 0.5 },
    });
    expect(stores.documents('train')).toHaveLength(6);
    expect(stores.documents('eval')).toHaveLength(1);
    expect(meta?.eval).toMatchObject({ rows: 1, documents: 1 });
    expect(progress.every((value, k) => value >= (progress[k - 1] ?? 0) && value <= 1)).toBe(true);
  });

  it('says of every evaluated row what it is: the same text has the same id whatever the settings', async () => {
    const path = await dataFile('ids', qa(40));
    const read = async (dataDir: string) =>
      jsonLines(await readFile(join(dataDir, 'eval-rows.jsonl'), 'utf8')).map((row) =>
        evalRowSchema.parse(row),
      );
    const held = { dataset: { eval_fraction: 0.25 } };
    const first = await prepared(path, held);
    const rows = await read(first.dataDir);
    expect(rows).toHaveLength(10);
    for (const [k, row] of rows.entries()) {
      expect(row.messages.map(({ content }) => content)).toEqual([
        `What is ${row.source_row} + 1?`,
        `It is ${row.source_row + 1}.`,
      ]);
      expect(row.tokens).toBe(first.stores.documents('eval')[k]?.ids.length);
      expect(row.answer_bytes).toBe(`It is ${row.source_row + 1}.`.length);
    }
    expect(new Set(rows.map(({ id }) => id)).size).toBe(10);
    const prompted = await prepared(path, { dataset: { eval_fraction: 0.25, system_prompt: 'Be brief.' } });
    const others = await read(prompted.dataDir);
    expect(others.map(({ id }) => id)).toEqual(rows.map(({ id }) => id));
    expect(others.map(({ tokens_id }) => tokens_id)).not.toEqual(rows.map(({ tokens_id }) => tokens_id));
    const hashes = await readFile(join(first.dataDir, 'train.rows.u64'));
    expect(hashes.length).toBe(30 * 16);
  });

  it('gives no length in bytes for an answer that was cut', async () => {
    const long = [
      { question: 'why?', answer: 'because of a very long story '.repeat(40) },
      { question: 'who?', answer: 'me' },
    ];
    const evaluation = await dataFile('cut-eval', long);
    const { dataDir } = await prepared(await dataFile('cut-train', qa(3)), {
      dataset: { eval: evaluation },
      batch: { seq_len: 96 },
    });
    const rows = jsonLines(await readFile(join(dataDir, 'eval-rows.jsonl'), 'utf8')) as {
      answer_bytes: unknown;
    }[];
    expect(rows.map(({ answer_bytes }) => answer_bytes)).toEqual([null, 2]);
  });

  it('writes the tokens that virtual tokens start as, and no file without a text', async () => {
    const path = await dataFile('prompt-init', qa(3));
    const init = async (method: object) => {
      const { dataDir } = await prepared(path, { method });
      const file = join(dataDir, 'prompt-init.json');
      return existsSync(file) ? JSON.parse(await readFile(file, 'utf8')) : null;
    };
    const text = 'Answer in one short sentence:';
    const ids = await (await readTokenizer(tinyModel)).encode(text, 'add');
    expect(ids.length).toBeGreaterThan(2);
    expect(await init({ type: 'prompt_tuning', init_text: text })).toEqual({ ids });
    expect(await init({ type: 'prefix_tuning', init_text: text })).toEqual({ ids });
    expect(await init({ type: 'prompt_tuning' })).toBeNull();
    expect(await init({ type: 'p_tuning' })).toBeNull();
    expect(await init({ type: 'lora' })).toBeNull();
  });

  it('truncates long rows, says so, and leaves out those that lose every answer', async () => {
    const long = { question: 'short', answer: 'word '.repeat(200) };
    const hopeless = { question: 'word '.repeat(200), answer: 'yes' };
    const path = await dataFile('long', [...qa(2), long, hopeless]);
    const { meta, stores } = await prepared(path, { ...noEval, batch: { seq_len: 120 } });
    expect(stores.documents('train').map(({ ids }) => ids.length <= 120)).toEqual([true, true, true]);
    expect(stores.documents('train')[2]?.ids).toHaveLength(120);
    expect(meta?.train).toMatchObject({
      rows: 4,
      documents: 3,
      tooLong: 2,
      dropped: 0,
      masked: 1,
      maskedByTruncation: 1,
      endCutOff: 1,
    });
    expect(meta?.warnings.join('\n')).toMatch(
      /2 of 4 training rows are longer than 120 tokens and were truncated/,
    );
    expect(meta?.warnings.join('\n')).toMatch(/1 of 4 training rows lost the end of their answer/);
    expect(meta?.warnings.join('\n')).toMatch(/1 of 4 .*no token to train on \(1 because truncation removed/);
  });

  it('drops long rows when asked to', async () => {
    const path = await dataFile('drop', [...qa(2), { question: 'short', answer: 'word '.repeat(200) }]);
    const { meta, stores } = await prepared(path, {
      dataset: { eval_fraction: 0, too_long: 'drop' },
      batch: { seq_len: 120 },
    });
    expect(stores.documents('train')).toHaveLength(2);
    expect(meta?.train).toMatchObject({
      rows: 3,
      documents: 2,
      tooLong: 1,
      dropped: 1,
      lostTokens: 0,
      endCutOff: 0,
    });
    expect(meta?.warnings).toEqual(['1 of 3 training rows are longer than 120 tokens and were left out.']);
  });

  it('adds the system message and the context column', async () => {
    const path = await dataFile('context', [
      { question: 'Sum up.', more: 'A long text.', answer: 'Short.', sys: 'Be brief.' },
      { question: 'Hello', more: null, answer: 'Hi.', sys: null },
    ]);
    const mapping = {
      kind: 'prompt_answer',
      prompt: 'question',
      answer: 'answer',
      context: 'more',
      system: 'sys',
    };
    const { stores } = await prepared(path, {
      dataset: { eval_fraction: 0, mapping, system_prompt: 'Be kind.' },
    });
    const tokenizer = await readTokenizer(tinyModel);
    const texts = await Promise.all(
      stores.documents('train').map(({ ids }) => tokenizer.decode(ids, 'keep')),
    );
    expect(texts[0]).toContain('system\nBe brief.<|im_end|>');
    expect(texts[0]).toContain('user\nSum up.\n\nA long text.<|im_end|>');
    expect(texts[1]).toContain('system\nBe kind.<|im_end|>');
    expect(texts[1]).toContain('user\nHello<|im_end|>');
  });

  it('reads OpenAI and ShareGPT chats', async () => {
    const openai = {
      m: [
        { role: 'user', content: [{ type: 'text', text: 'hi' }] },
        { role: 'assistant', content: 'ho' },
      ],
    };
    const sharegpt = {
      m: [
        { from: 'human', value: 'hi' },
        { from: 'gpt', value: 'ho' },
      ],
    };
    const written = { m: JSON.stringify(openai.m) };
    const path = await dataFile('chats', [openai, sharegpt, written]);
    const { stores } = await prepared(path, {
      dataset: { eval_fraction: 0, mapping: { kind: 'chat', messages: 'm' } },
    });
    const documents = stores.documents('train');
    expect(documents).toHaveLength(3);
    expect(documents[1]).toEqual(documents[0]);
    expect(documents[2]).toEqual(documents[0]);
  });

  it('tokenizes sample prompts as the playground does', async () => {
    const { dataDir } = await prepared(await dataFile('samples', qa(2)), {
      dataset: { eval_fraction: 0, system_prompt: 'Be kind.' },
      sampling: { prompts: ['Who are you?', 'Why?'] },
    });
    const tokenizer = await readTokenizer(tinyModel);
    const samples = JSON.parse(await readFile(join(dataDir, 'samples.json'), 'utf8'));
    expect(samples).toHaveLength(2);
    const messages = [
      { role: 'system', content: 'Be kind.' },
      { role: 'user', content: 'Who are you?' },
    ];
    expect(samples[0]).toEqual({
      ids: [...(await promptIds(messages, tokenizer))],
      stop_ids: tokenizer.stopIds,
    });
  });

  it('reads a dataset of the library in place', async () => {
    const folder = join(scratch, 'cache');
    const { rowsPath } = await openDatasetFile(await dataFile('library', qa(3)), folder);
    const { stores } = await prepared(rowsPath, noEval);
    expect(stores.documents('train')).toHaveLength(3);
  });
});

describe.skipIf(!existsSync(addonPath()))('with the native addon (skipped where it is not built)', () => {
  it('writes the files that docs/run-folder.md describes', async () => {
    const path = await dataFile('native', qa(9));
    const spec = specFor(path, { dataset: { eval_fraction: 0.25 } });
    const dataDir = join(scratch, 'native', 'data');
    const meta = await prepareDataset(spec, tinyModel, dataDir);
    const { stores } = await prepared(path, { dataset: { eval_fraction: 0.25 } });
    for (const split of ['train', 'eval']) {
      const read = (name: string) => readFile(join(dataDir, `${split}.${name}`));
      const ids = await read('ids.u32');
      const mask = await read('mask.u8');
      const offsets = await read('offsets.u64');
      const documents = Array.from({ length: offsets.length / 8 - 1 }, (_, k) => {
        const [from, to] = [k, k + 1].map((n) => Number(offsets.readBigUInt64LE(8 * n))) as [number, number];
        return {
          ids: Array.from({ length: to - from }, (_, n) => ids.readUInt32LE(4 * (from + n))),
          mask: [...mask.subarray(from, to)],
        };
      });
      expect(documents).toEqual(stores.documents(split));
    }
    expect(meta.eval?.documents).toBe(2);
  });
});

describe('prepareDataset fails with one clear error and no meta.json', () => {
  const long = 'word '.repeat(300);
  const chat = { dataset: { eval_fraction: 0, mapping: { kind: 'chat', messages: 'm' } } };
  const cases: [string, unknown[], Record<string, unknown>, string, RegExp][] = [
    [
      'null answer',
      [...qa(2), { question: 'q', answer: null }],
      {},
      'dataset.bad_row',
      /Row 3, column "answer": the answer is null/,
    ],
    [
      'several of them',
      [
        ...qa(2),
        { question: 'q', answer: null },
        { question: 'q', answer: ' ' },
        { question: null, answer: 'a' },
      ],
      {},
      'dataset.bad_row',
      /2 of 5 rows have a null or blank answer \(rows 3, 4\)\. 1 of 5 rows have a message or a column that is no text \(row 5\)/,
    ],
    [
      'wrong column',
      [{ prompt: 'q', answer: 'a' }],
      {},
      'dataset.missing_column',
      /no column "question". It has: prompt, answer/,
    ],
    [
      'no list',
      [{ m: 'hello' }],
      chat,
      'dataset.bad_row',
      /Row 1, column "m": it holds a string \("hello"\)/,
    ],
    [
      'unknown role',
      [{ m: [{ role: 'king', content: 'x' }] }],
      chat,
      'dataset.bad_row',
      /the role of message 1 is a string \("king"\)/,
    ],
    [
      'no text',
      [{ m: [{ role: 'user', content: [{ type: 'image' }] }] }],
      chat,
      'dataset.bad_row',
      /message 1 \(user\) holds a part of type "image"; only texts are trained/,
    ],
    [
      'no answer',
      [{ m: [{ role: 'user', content: 'x' }] }],
      chat,
      'dataset.bad_row',
      /Row 1: The conversation has no answer/,
    ],
    [
      'all truncated',
      [
        { question: long, answer: 'a' },
        { question: long, answer: 'b' },
      ],
      { batch: { seq_len: 64 } },
      'dataset.all_masked',
      /sequence length is 64 tokens, and all 2 rows .* have their answer behind it/,
    ],
    [
      'all dropped',
      [{ question: long, answer: 'a' }],
      { batch: { seq_len: 64 }, dataset: { eval_fraction: 0, too_long: 'drop' } },
      'dataset.all_masked',
      /all 1 rows .* are longer, and such rows are dropped/,
    ],
  ];

  it.each(cases)('%s', async (name, rows, changes, code, message) => {
    const { error, dataDir, stores } = await prepare(await dataFile(`bad-${name}`, rows), {
      ...noEval,
      ...changes,
    });
    expect(error).toMatchObject({ name: 'CollieError', code });
    expect(error.message).toMatch(message);
    expect(error.hint).not.toBe('');
    expect(existsSync(join(dataDir, 'meta.json'))).toBe(false);
    expect(existsSync(join(dataDir, 'import'))).toBe(false);
    expect(stores.stores.has('train')).toBe(false);
  });

  it('a file that is gone', async () => {
    const { error } = await prepare(join(scratch, 'gone.jsonl'));
    expect(error).toMatchObject({ code: 'dataset.not_found' });
  });

  it('a cancelled preparation', async () => {
    const controller = new AbortController();
    controller.abort();
    const { error, dataDir } = await prepare(await dataFile('cancel', qa(3)), {}, controller.signal);
    expect(error).toMatchObject({ code: 'job.cancelled' });
    expect(existsSync(join(dataDir, 'meta.json'))).toBe(false);
  });
});
