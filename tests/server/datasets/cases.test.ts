/**
 * Files after situations that users of other trainers reported (tests/fixtures/cases, and the binary ones in tests/fixtures/datasets): what is
 * trained of each, to the character. Expected texts are those of transformers' apply_chat_template.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readTokenizer } from '../../../electron/server/tokenize/tokenizer.ts';
import { chatModel, fixtures, looked, TOOLS } from './looked.ts';

const trainedOf = ({ rows }: { rows: { trained: string[] }[] }) => rows.map(({ trained }) => trained);
const answers = (...texts: string[]) => texts.map((text) => [`${text}<|im_end|>`]);
const colors = answers('blue 0', 'blue 1', 'blue 2', 'blue 3');

describe('rows as they are', () => {
  it.each([
    ['cases/07-nan-literals/a.jsonl', answers('b', 'd')],
    ['cases/07-nan-literals/b.json', answers('b', 'd')],
    ['cases/08-surrogates-nul/lone.jsonl', answers('ok', 'c')],
    ['cases/08-surrogates-nul/nul.jsonl', answers('c\u0000d', 'c')],
    ['cases/08-surrogates-nul/pair.jsonl', answers('ok 👍🏽')],
    ['datasets/a.jsonl.gz', colors],
    ['datasets/data.arrow', answers('c', 'd')],
    ['datasets/file.feather', answers('c', 'd')],
    ...readdirSync(join(fixtures, 'cases/13-concatenated-pretty')).map(
      (name) => [`cases/13-concatenated-pretty/${name}`, colors] as const,
    ),
    ['datasets/a.parquet', answers('hello', 'ciao')],
    ['datasets/b.parquet', answers('hello')],
    ['datasets/c.parquet', answers('c', 'd')],
    ['datasets/d.parquet', answers('c', 'd')],
    ['datasets/e.parquet', [[]]], // its answer has weight 0
    ['cases/20-trl-conversational/alpaca.jsonl', [['r1<|im_end|>', '2<|im_end|>']]],
    ['cases/20-trl-conversational/dpo.jsonl', answers('good')],
    ['cases/20-trl-conversational/dpoimp.jsonl', answers('good')],
    ['cases/20-trl-conversational/pc.jsonl', answers('Blue.')],
    ['cases/21-null-first/a.jsonl', answers('o', 'o', 'o', 'o2', 'o3')],
    ['cases/21-null-first/oneempty.jsonl', answers('b', 'd')],
    ['cases/45-empty-answers/bool-label.jsonl', answers('true', 'true', 'true', 'true')],
    ['cases/45-empty-answers/num-answer.jsonl', answers('4', '4', '4', '4')],
    ['cases/45-empty-answers/repr.csv', answers('hello', 'hello', 'hello', 'hello')],
  ] as const)('%s', async (file, expected) => {
    const found = await looked(file);
    expect(trainedOf(found)).toEqual(expected);
    expect(found.unusable).toEqual([]);
  });

  it('what is not used is named', async () => {
    expect((await looked('cases/07-nan-literals/a.jsonl')).unused).toEqual([
      'Not used of "x": column "score".',
    ]);
    for (const name of ['dpo', 'dpoimp'])
      expect((await looked(`cases/20-trl-conversational/${name}.jsonl`)).unused.join()).toContain(
        'The column "rejected" of "x" (the worse answer of a pair) is not used',
      );
  });

  it('a context, a history and a system column are where Alpaca has them', async () => {
    const { rows } = await looked('cases/20-trl-conversational/alpaca.jsonl');
    expect(rows[0]?.text).toBe(
      '<|im_start|>system\nbe brief<|im_end|>\n<|im_start|>user\nh1<|im_end|>\n<|im_start|>assistant\nr1<|im_end|>\n<|im_start|>user\nsum\n\n1+1<|im_end|>\n<|im_start|>assistant\n2<|im_end|>\n',
    );
  });

  it('a system column beside ShareGPT conversations', async () => {
    const { rows } = await looked('cases/43-chat-system-column/sharegpt-system.jsonl');
    expect(rows).toHaveLength(4);
    expect(rows[0]?.text).toMatch(/^<\|im_start\|>system\nSpeak like a pirate\.<\|im_end\|>\n/);
  });
});

describe('rows without an answer are counted', () => {
  it.each([
    ['07-nan-literals/c.jsonl', answers('b'), [2]],
    ['21-null-first/msgs-null.jsonl', answers('hello'), [1, 2]],
    ['45-empty-answers/empty-answer.jsonl', answers('b', 'b', 'b'), [4]],
    ['45-empty-answers/null-answer.jsonl', answers('b', 'b', 'b'), [4]],
    ['45-empty-answers/na.csv', answers('b', 'd', 'f'), [2]],
    ['45-empty-answers/spaces-answer.jsonl', [], [1, 2, 3]],
  ] as const)('%s', async (file, expected, without) => {
    const found = await looked(`cases/${file}`);
    expect(trainedOf(found)).toEqual(expected);
    expect(found.unusable.flatMap(({ examples }) => examples)).toEqual(without);
  });
});

describe('files that are refused by name', () => {
  it.each([
    ['datasets/book.xlsx', 'dataset.unreadable', /is an Excel workbook/],
    ...readdirSync(join(fixtures, 'cases/11-lfs-pointer')).map(
      (name) => [`cases/11-lfs-pointer/${name}`, 'dataset.unreadable', /is a Git LFS pointer/] as const,
    ),
    ['cases/21-null-first/empty.json', 'dataset.empty', /has no rows/],
    ['cases/21-null-first/spaces.jsonl', 'dataset.empty', /is empty/],
    ['cases/21-null-first/emptyobj.jsonl', 'dataset.empty', /has rows, but no columns: every row is \{\}/],
  ] as const)('%s', async (file, code, message) => {
    await expect(looked(file)).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('tool calls', () => {
  const OSLO = '<call>get_time {"city": "Oslo"}</call><|im_end|>';

  it.each([
    ['empty', [OSLO, 'It is noon.<|im_end|>']],
    ['null', [OSLO, 'It is noon.<|im_end|>']],
    ['missing', [OSLO]],
    ['lastcall', [OSLO]],
    ['function_call', ['<call>get_time {}</call><|im_end|>']],
    ['sharegpt_function_call', ['<call>get_time</call><|im_end|>', 'noon<|im_end|>']],
  ])('%s: the call is trained', async (name, trained) => {
    const { rows } = await looked(`cases/40-tool-calls/${name}.jsonl`, { template: TOOLS });
    expect(rows).toHaveLength(4);
    for (const row of rows) expect(row.trained).toEqual(trained);
  });

  it('lastcall: the text of transformers; the tools of a row are in the prompt', async () => {
    const look = { template: TOOLS };
    const [last] = (await looked('cases/40-tool-calls/lastcall.jsonl', look)).rows;
    expect(last?.text).toBe(`<|im_start|>user\ntime in Oslo?<|im_end|>\n<|im_start|>assistant\n${OSLO}\n`);
    const [empty] = (await looked('cases/40-tool-calls/empty.jsonl', look)).rows;
    expect(empty?.text).toMatch(/^<\|im_start\|>system\nget_time<\|im_end\|>\n/);
    expect(empty?.text).toContain('<|im_start|>tool\n12:00<|im_end|>\n');
  });

  it.each(['empty', 'null', 'missing', 'lastcall', 'function_call', 'sharegpt_function_call'])(
    '%s: a template without calls trains no empty turn',
    async (name) => {
      const { rows, unusable } = await looked(`cases/40-tool-calls/${name}.jsonl`);
      expect(rows).toEqual([]);
      expect(unusable).toMatchObject([{ reason: 'tool_calls', rows: 4 }]);
    },
  );
});

describe('models', () => {
  it('output before {% continue %} stays', async () => {
    const model = join(fixtures, 'cases/46-jinja-continue/model');
    const { rows } = await looked('cases/46-jinja-continue/rows.jsonl', { model, template: null });
    expect(rows).toHaveLength(4);
    expect(rows[0]).toMatchObject({
      text: '<|im_start|>system\nBe brief.<|im_end|>\n<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyo<|im_end|>\n',
      trained: ['yo<|im_end|>'],
    });
  });

  it('an end of turn that is not marked special ends answers and generation; </s> is not trained', async () => {
    const { rows } = await looked('cases/48-eos-not-special/rows.jsonl', { template: null });
    for (const row of rows) expect(row).toMatchObject({ trained: ['yo<|im_end|>'], warnings: [] });
    const tokenizer = await readTokenizer(chatModel);
    expect(tokenizer.stopIds).toContain(tokenizer.endOfTurn?.id);
    expect(tokenizer.endOfTurn?.text).toBe('<|im_end|>');
  });
});
