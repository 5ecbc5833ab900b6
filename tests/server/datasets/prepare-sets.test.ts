/** Named evaluation sets as token stores and prompts, without an engine. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareDataset } from '../../../electron/server/datasets/prepare.ts';
import { placeOf } from '../../../electron/server/datasets/set-examples.ts';
import { loadTokenizer } from '../../../electron/server/tokenize/apart-tokenizer.ts';
import { evalRowSchema } from '../../../electron/shared/runs/evaluation-rows.ts';
import { tinyModel } from '../tokenize/fixtures.ts';
import { jsonl, MemoryStores, scratchFolder, specFor, writeText } from './fixtures.ts';

const scratch = scratchFolder('sets');
let runs = 0;

const file = (name: string, rows: readonly unknown[]) =>
  writeText(join(scratch, `${name}.jsonl`), jsonl(rows));
const qa = (n: number) =>
  Array.from({ length: n }, (_, k) => ({ question: `What is ${k} + 1?`, answer: `It is ${k + 1}.` }));

async function prepared(set: Record<string, unknown>, more: Record<string, unknown> = {}) {
  runs += 1;
  const runDir = join(scratch, `run-${runs}`);
  const stores = new MemoryStores();
  const train = await file('train', qa(8));
  const spec = specFor(train, { evaluation: { sets: [{ name: 'mine', ...set }] }, ...more });
  const meta = await prepareDataset(spec, tinyModel, join(runDir, 'data'), () => {}, undefined, stores);
  const path = join(runDir, 'data/set-mine.rows.jsonl');
  const rows = existsSync(path)
    ? readFileSync(path, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => evalRowSchema.parse(JSON.parse(line)))
    : [];
  const prompts = join(runDir, 'data/set-mine.prompts.json');
  return {
    rows,
    meta,
    documents: stores.stores.get('set-mine') ?? [],
    prompts: existsSync(prompts)
      ? (JSON.parse(readFileSync(prompts, 'utf8')) as { stop_ids: number[]; prompts: number[][] })
      : null,
    tally: meta.sets?.[0],
  };
}

const tokenizer = await loadTokenizer(tinyModel);
/** Texts of the tokens that count. */
const counted = (documents: { ids: number[]; mask: number[] }[]) =>
  Promise.all(documents.map(({ ids, mask }) => tokenizer.decode(ids.filter((_, k) => mask[k] === 1))));

describe('likelihood', () => {
  it('takes rows by what they say: the same ones whatever their order, and fewer are among more', async () => {
    const rows = qa(40);
    const forward = await prepared({ data: await file('forward', rows), max_rows: 10 });
    const backward = await prepared({ data: await file('backward', rows.toReversed()), max_rows: 10 });
    const fewer = await prepared({ data: await file('forward', rows), max_rows: 4 });
    const ids = (one: { rows: { id: string }[] }) => one.rows.map(({ id }) => id).sort();
    expect(forward.documents).toHaveLength(10);
    expect(ids(backward)).toEqual(ids(forward));
    expect(ids(forward)).toEqual(expect.arrayContaining(ids(fewer)));
    expect(forward.tally).toEqual({ name: 'mine', rows: 40, evaluated: 10, warnings: [] });
  });

  it('a row that is there twice counts once', async () => {
    const { rows } = await prepared({ data: await file('twice', [...qa(3), ...qa(3)]) });
    expect(rows).toHaveLength(3);
  });

  it('no row leaves no files, and says so', async () => {
    const data = await file('bad', [{ question: 'a', answer: '' }]);
    const { rows, documents, meta } = await prepared({ data }, { dataset: { unusable_rows: 'leave_out' } });
    expect([rows, documents]).toEqual([[], []]);
    expect(meta.warnings.join(' ')).toContain('evaluation set "mine": no row is left to evaluate.');
  });
});

describe('classification', () => {
  const moods = [
    { question: 'Good day!', answer: 'positive' },
    { question: 'Bad day!', answer: 'positively not' },
    { question: 'Day.', answer: 'positive' },
  ];

  it('has a document for each label, the labels of the data by default', async () => {
    const data = await file('moods', moods);
    const { rows, documents } = await prepared({ data, evaluator: { type: 'classification' } });
    expect(rows.map(({ labels, label, first_document }) => [labels, label, first_document])).toEqual([
      [['positive', 'positively not'], 0, 0],
      [['positive', 'positively not'], 1, 2],
      [['positive', 'positively not'], 0, 4],
    ]);
    expect((await counted(documents)).map((text) => text.trim())).toEqual(
      [0, 1, 2].flatMap(() => ['positive', 'positively not']),
    );
    // The end of the turn counts as well: else a label that begins another would always win.
    expect((documents[0]?.mask.filter((one) => one === 1).length ?? 0) > 0).toBe(true);
  });

  it('leaves out rows whose answer is none of the labels', async () => {
    const data = await file('moods', moods);
    const evaluator = { type: 'classification', labels: ['positive', 'negative'] };
    const { rows, tally } = await prepared({ data, evaluator });
    expect(rows).toHaveLength(2);
    expect(tally?.warnings).toEqual([
      'evaluation set "mine": 1 of 3 rows have an answer that is none of the labels and were left out.',
    ]);
  });

  it('has each label behind the neutral prompt once, where labels are held against themselves', async () => {
    const data = await file('moods', moods);
    const evaluator = { type: 'classification', normalize: 'mutual_info', neutral_prompt: 'Mood:' };
    const { rows, documents } = await prepared({ data, evaluator });
    expect(documents).toHaveLength(3 * 2 + 2);
    const [first] = rows;
    expect(rows.map(({ alone_documents }) => alone_documents)).toEqual([
      [2, 3],
      [2, 3],
      [2, 3],
    ]);
    const alone = (first?.alone_documents ?? []).map((place) => documents[place] as (typeof documents)[0]);
    expect((await counted(alone)).map((text) => text.trim())).toEqual(first?.labels);
    for (const { ids } of alone) {
      expect(await tokenizer.decode(ids)).toContain('Mood:');
      expect(await tokenizer.decode(ids)).not.toContain('day');
    }
    // What counts of a label is the same with and without the prompt.
    expect(await counted(alone)).toEqual(await counted(documents.slice(0, 2)));
  });

  it('takes the choices of a row, and its answer as text, place or letter', async () => {
    const data = await file('choices', [
      { question: 'One?', answer: 'B', options: ['x', 'y', 'z'] },
      { question: 'Two?', answer: '0', options: ['x', 'y'] },
      { question: 'Three?', answer: 'y', options: ['x', 'y'] },
    ]);
    const evaluator = { type: 'classification', choices: 'options' };
    const { rows } = await prepared({ data, evaluator });
    expect(rows.map(({ label, labels }) => labels?.[label ?? -1])).toEqual(['y', 'x', 'y']);
    expect(placeOf('C', ['x', 'y'])).toBe(-1);
  });

  it('refuses data that have one answer only', async () => {
    const data = await file('same', [
      { question: 'a', answer: 'yes' },
      { question: 'b', answer: 'yes' },
    ]);
    await expect(prepared({ data, evaluator: { type: 'classification' } })).rejects.toThrow(
      'Evaluation set "mine": all answers of the data are the same',
    );
  });

  it('keeps the end of a prompt that is too long, and leaves out answers that are', async () => {
    const long = 'word '.repeat(300);
    const data = await file('long', [
      { question: long, answer: 'yes' },
      { question: 'short', answer: 'no' },
    ]);
    const evaluator = { type: 'classification' };
    const { documents, tally } = await prepared({ data, evaluator }, { batch: { seq_len: 120 } });
    expect(Math.max(...documents.map(({ ids }) => ids.length))).toBe(120);
    const texts = (await counted(documents)).map((text) => text.trim());
    expect(texts).toEqual(['no', 'yes', 'no', 'yes']);
    expect(tally?.warnings[0]).toContain(
      '1 of 2 rows are longer than the sequence length and were truncated.',
    );
    const labels = { type: 'classification', labels: ['yes', long] };
    const none = await prepared({ data, evaluator: labels }, { batch: { seq_len: 120 } });
    expect(none.documents).toEqual([]);
    expect(none.tally?.warnings[0]).toContain('have an answer longer than the sequence length');
  });
});

describe('benchmarks', () => {
  it('context and choice are tokenized as one text, and only the choice counts', async () => {
    const data = await file('arc', [
      {
        question: 'What is wet?',
        choices: { text: ['water', 'a stone'], label: ['A', 'B'] },
        answerKey: 'A',
      },
    ]);
    const { rows, documents } = await prepared({ data, task: 'arc' });
    const whole = await tokenizer.encode('Question: What is wet?\nAnswer: water');
    expect(documents[0]?.ids).toEqual(whole);
    expect(await counted(documents)).toEqual([' water', ' a stone']);
    expect(rows[0]).toMatchObject({ labels: ['water', 'a stone'], label: 0, first_document: 0 });
  });
});

describe('prompts with instructions', () => {
  const rows = [
    {
      key: 1000,
      prompt: 'Write about cats. Use at least 300 words and no commas.',
      instruction_id_list: ['length_constraints:number_words', 'punctuation:no_comma'],
      kwargs: [{ num_words: 300, relation: 'at least' }, {}],
    },
    {
      key: 1001,
      prompt: 'Name two things.',
      instruction_id_list: ['keywords:existence'],
      kwargs: [{ keywords: ['one', 'two'], num_words: null }],
    },
    { key: 1002, prompt: 'Bad.', instruction_id_list: ['keywords:rhymes'], kwargs: [{}] },
    { key: 1003, prompt: 'Bad.', instruction_id_list: ['keywords:frequency'], kwargs: [{ keyword: 'a' }] },
    { key: 1004, prompt: 'Bad.', instruction_id_list: ['punctuation:no_comma'], kwargs: [] },
  ];
  const evaluator = { type: 'generation', metrics: [] };

  it('are asked in the chat template and keep what an answer is held against', async () => {
    const data = await file('ifeval', rows);
    const made = await prepared(
      { data, task: 'ifeval', evaluator },
      { dataset: { unusable_rows: 'leave_out', system_prompt: 'Be brief.' } },
    );
    expect(made.rows.map(({ instructions }) => instructions)).toEqual([
      [
        { id: 'length_constraints:number_words', settings: { num_words: 300, relation: 'at least' } },
        { id: 'punctuation:no_comma', settings: {} },
      ],
      [{ id: 'keywords:existence', settings: { keywords: ['one', 'two'] } }],
    ]);
    expect(made.documents).toEqual([]);
    const prompt = await tokenizer.decode(made.prompts?.prompts[1] ?? []);
    expect(prompt).toContain('Name two things.');
    expect(prompt).not.toContain('Be brief.');
    expect(made.tally?.warnings).toEqual(['evaluation set "mine": 3 rows cannot be used and were left out.']);
  });

  it('of an unknown kind, or without what the kind needs, are refused by name', async () => {
    const refused = async (row: object) =>
      prepared({ data: await file('refused', [row]), task: 'ifeval', evaluator });
    await expect(refused(rows[2] as object)).rejects.toThrow('"keywords:rhymes" is none of the 25 kinds');
    await expect(refused(rows[3] as object)).rejects.toThrow('keywords:frequency: frequency is missing');
    await expect(refused(rows[4] as object)).rejects.toThrow('a list of 1 objects is expected');
  });
});

describe('benchmarks against themselves without the prompt', () => {
  const rows = [
    { question: 'What is wet?', choices: { text: ['water', 'a stone'], label: ['A', 'B'] }, answerKey: 'A' },
  ];

  it('begin with the token that begins a text, or with the neutral prompt', async () => {
    const data = await file('arc-alone', rows);
    const evaluator = { type: 'classification', normalize: 'mutual_info' };
    const bare = await prepared({ data, task: 'arc', evaluator });
    expect(bare.rows[0]?.alone_documents).toEqual([2, 3]);
    const water = bare.documents[2];
    expect(water?.ids).toEqual([tokenizer.bos?.id, ...(await tokenizer.encode(' water'))]);
    expect(await counted(bare.documents.slice(2))).toEqual([' water', ' a stone']);
    const neutral = { ...evaluator, neutral_prompt: 'Answer:' };
    const { documents } = await prepared({ data, task: 'arc', evaluator: neutral });
    expect(documents[2]?.ids).toEqual(await tokenizer.encode('Answer: water'));
    expect(await counted(documents.slice(2))).toEqual([' water', ' a stone']);
  });
});

describe('generation', () => {
  it('has prompts that ask for the last answer, which is the reference', async () => {
    const data = await file('ask', qa(2));
    const { rows, prompts, documents } = await prepared({ data, evaluator: { type: 'generation' } });
    expect(documents).toEqual([]);
    expect(rows.map(({ references }) => references)).toEqual([['It is 1.'], ['It is 2.']]);
    expect(prompts?.prompts).toHaveLength(2);
    expect(prompts?.stop_ids.length).toBeGreaterThan(0);
    expect(await tokenizer.decode(prompts?.prompts[0] ?? [])).toContain('What is 0 + 1?');
  });
});
