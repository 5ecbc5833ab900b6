/** Rows as other tools write them: calls, tools, reasoning, weights, images. Expected texts are those of transformers' apply_chat_template. */
import { describe, expect, it } from 'vitest';
import { rowChat } from '../../../electron/server/datasets/messages.ts';
import { UnusableTally } from '../../../electron/server/datasets/unusable.ts';
import { renderConversation } from '../../../electron/server/tokenize/segments.ts';
import { ChatTemplate } from '../../../electron/server/tokenize/template.ts';
import { type ModelTokenizer, readTokenizer } from '../../../electron/server/tokenize/tokenizer.ts';
import { unusableSentences } from '../../../electron/shared/api/unusable-rows.ts';
import { type Mapping, mappingSchema } from '../../../electron/shared/spec/run-spec.ts';
import { tinyModel } from '../tokenize/fixtures.ts';

/** Writes calls, tools and reasoning. */
const TEMPLATE =
  "{% if tools %}<|im_start|>system\n{{ tools | map(attribute='function') | map(attribute='name') | join(',') }}<|im_end|>\n{% endif %}" +
  '{% for m in messages %}<|im_start|>{{ m.role }}\n{% if m.reasoning_content %}<think>{{ m.reasoning_content }}</think>{% endif %}{{ m.content }}' +
  '{% for c in m.tool_calls %}<call>{{ c.function.name }} {{ c.function.arguments if c.function.arguments is string else c.function.arguments | tojson }}</call>{% endfor %}<|im_end|>\n{% endfor %}' +
  '{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}';

const chat = mappingSchema.parse({ kind: 'chat', messages: 'messages', system: 'system', tools: 'tools' });
const call = { id: 'c1', type: 'function', function: { name: 'get_time', arguments: '{"city": "Oslo"}' } };
const schema = { type: 'function', function: { name: 'get_time', description: 'time', parameters: {} } };
const ask = { role: 'user', content: 'time?' };

async function withTemplate(source: string): Promise<ModelTokenizer> {
  const tokenizer = await readTokenizer(tinyModel);
  const template = new ChatTemplate(source, {});
  return new Proxy(tokenizer, {
    get: (target, name) => {
      if (name === 'template') return template;
      const value = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

async function rendered(row: Record<string, unknown>, mapping: Mapping = chat, source = TEMPLATE) {
  const { segments, warnings } = renderConversation(rowChat(row, 0, mapping, ''), await withTemplate(source));
  return {
    text: segments.map(({ text }) => text).join(''),
    trained: segments.filter((one) => one.trained).map(({ text }) => text),
    warnings,
  };
}

describe('tool calls', () => {
  const CALL = '<call>get_time {"city": "Oslo"}</call><|im_end|>';

  it.each([
    ['with null content', { role: 'assistant', content: null, tool_calls: [call] }],
    ['with empty content', { role: 'assistant', content: '', tool_calls: [call] }],
    ['without content', { role: 'assistant', tool_calls: [call] }],
    ['as JSON text', { role: 'assistant', content: null, tool_calls: JSON.stringify([call]) }],
    ['of the old kind', { role: 'assistant', content: '', function_call: call.function }],
    ['as a role of its own', { from: 'function_call', value: JSON.stringify(call.function) }],
    ['as a role of its own, several', { from: 'tool_call', value: JSON.stringify([call.function]) }],
  ])('%s', async (_, message) => {
    const { text, trained, warnings } = await rendered({ messages: [ask, message] });
    expect(trained).toEqual([CALL]);
    expect(text).toBe(`<|im_start|>user\ntime?<|im_end|>\n<|im_start|>assistant\n${CALL}\n`);
    expect(warnings).toEqual([]);
  });

  it('and their results, with the tools of the row', async () => {
    const messages = [
      ask,
      { role: 'assistant', content: null, tool_calls: [call] },
      { role: 'tool', tool_call_id: 'c1', content: '12:00' },
      { role: 'assistant', content: 'It is noon.' },
    ];
    for (const tools of [[schema], JSON.stringify([schema]), [schema.function]]) {
      const { text, trained } = await rendered({ messages, tools });
      expect(text).toContain('<|im_start|>system\nget_time<|im_end|>\n');
      expect(text).toContain('<|im_start|>tool\n12:00<|im_end|>\n');
      expect(trained).toEqual([CALL, 'It is noon.<|im_end|>']);
    }
  });

  it.each(['observation', 'tool_response', 'ipython', 'function'])('results in the role %s', async (role) => {
    const messages = [ask, { role, content: '12' }, { role: 'assistant', content: 'noon' }];
    expect((await rendered({ messages })).text).toContain('<|im_start|>tool\n12<|im_end|>\n');
  });

  it('are never trained as an empty turn by a template that does not know them', async () => {
    const plain =
      '{% for m in messages %}{{ m.role }}: {{ m.content }}<|im_end|>{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}';
    await expect(
      rendered({ messages: [ask, { role: 'assistant', tool_calls: [call] }] }, chat, plain),
    ).rejects.toMatchObject({
      code: 'dataset.bad_row',
      data: { reason: 'tool_calls' },
    });
    const named = await rendered(
      { messages: [ask, { role: 'assistant', content: 'x', tool_calls: [call] }], tools: [schema] },
      chat,
      plain,
    );
    expect(named.warnings).toEqual(['unused:tool_calls', 'unused:tools']);
  });
});

describe('other fields', () => {
  it('reasoning under any of its names', async () => {
    for (const name of ['reasoning_content', 'thinking', 'reasoning']) {
      const { trained } = await rendered({
        messages: [ask, { role: 'assistant', content: 'noon', [name]: 'hm' }],
      });
      expect(trained).toEqual(['<think>hm</think>noon<|im_end|>']);
    }
  });

  it('messages that are not to be trained', async () => {
    for (const untrained of [{ weight: 0 }, { train: false }, { loss: false }]) {
      const messages = [
        ask,
        { role: 'assistant', content: 'bad', ...untrained },
        ask,
        { role: 'assistant', content: 'good' },
      ];
      const { text, trained } = await rendered({ messages });
      expect(trained).toEqual(['good<|im_end|>']);
      expect(text).toContain('bad<|im_end|>');
    }
    const said = (fields: object) =>
      rendered({ messages: [ask, { role: 'assistant', content: 'x', ...fields }] });
    for (const [field, value] of [
      ['weight', -0.5],
      ['weight', 1001],
      ['train', 0.5],
    ] as const)
      await expect(said({ [field]: value })).rejects.toMatchObject({
        message: expect.stringContaining(`${field} of message 2 (assistant) is a number (${value})`),
      });
    expect((await said({ weight: 0.5 })).trained).toEqual(['x<|im_end|>']);
  });

  it('what the template does not read is named', async () => {
    const { warnings } = await rendered({
      messages: [
        { ...ask, mood: 'good' },
        { role: 'assistant', content: 'noon' },
      ],
    });
    expect(warnings).toEqual(['unused:mood']);
  });

  it('a system column, unless the conversation has its own', async () => {
    const answer = { role: 'assistant', content: 'noon' };
    expect((await rendered({ messages: [ask, answer], system: 'Be brief.' })).text).toMatch(
      /^<\|im_start\|>system\nBe brief\./,
    );
    const own = await rendered({
      messages: [{ role: 'system', content: 'Own.' }, ask, answer],
      system: 'Be brief.',
    });
    expect(own.text).not.toContain('Be brief.');
  });

  it('images are refused by name', async () => {
    const messages = [
      { role: 'user', content: [{ type: 'image_url', image_url: { url: 'x' } }] },
      { role: 'assistant', content: 'a cat' },
    ];
    await expect(rendered({ messages })).rejects.toMatchObject({
      data: { reason: 'media' },
      message: expect.stringContaining('"image_url"'),
    });
  });
});

describe('prompt and answer', () => {
  const pair = mappingSchema.parse({
    kind: 'prompt_answer',
    prompt: 'prompt',
    answer: 'completion',
    history: 'history',
    context: 'input',
  });

  it('as lists of messages', async () => {
    const row = {
      prompt: [{ role: 'user', content: 'What color?' }],
      completion: [{ role: 'assistant', content: 'Blue.' }],
    };
    const { text, trained } = await rendered(row, pair);
    expect(text).toBe('<|im_start|>user\nWhat color?<|im_end|>\n<|im_start|>assistant\nBlue.<|im_end|>\n');
    expect(trained).toEqual(['Blue.<|im_end|>']);
  });

  it('with a history, whose answers are trained', async () => {
    const row = { prompt: 'sum', input: '1+1', completion: '2', history: [['h1', 'r1']] };
    const { text, trained } = await rendered(row, pair);
    expect(text).toContain(
      'user\nh1<|im_end|>\n<|im_start|>assistant\nr1<|im_end|>\n<|im_start|>user\nsum\n\n1+1<|im_end|>',
    );
    expect(trained).toEqual(['r1<|im_end|>', '2<|im_end|>']);
  });

  it('numbers and booleans are written as text', async () => {
    expect((await rendered({ prompt: 'a', completion: 4 }, pair)).trained).toEqual(['4<|im_end|>']);
    expect((await rendered({ prompt: 'a', completion: true }, pair)).trained).toEqual(['true<|im_end|>']);
  });

  it('lists as Python prints them', async () => {
    const row = {
      messages:
        "[{'role': 'user', 'content': \"it's\"}, {'role': 'assistant', 'content': 'hello\\n', 'x': None}]",
    };
    const { text } = await rendered(row);
    expect(text).toBe("<|im_start|>user\nit's<|im_end|>\n<|im_start|>assistant\nhello\n<|im_end|>\n");
  });
});

describe('rows of no use', () => {
  it('are counted by reason', () => {
    const tally = new UnusableTally();
    const rows: unknown[] = [
      null,
      [],
      [ask],
      [ask, { role: 'assistant', content: '  ' }],
      [{ role: 'king' }],
      'x',
    ];
    for (const [index, messages] of rows.entries()) {
      try {
        renderConversation(rowChat({ messages }, index, chat, ''), {} as ModelTokenizer);
      } catch (error) {
        tally.add(error, index);
      }
    }
    expect(unusableSentences(tally.list(), 9)).toEqual([
      '3 of 9 rows have no answer (rows 1, 2, 3).',
      '1 of 9 rows have a null or blank answer (row 4).',
      '1 of 9 rows have a message of an unknown role (row 5).',
      '1 of 9 rows hold no list of messages (row 6).',
    ]);
    expect(tally.error(9)).toMatchObject({
      code: 'dataset.bad_row',
      hint: expect.stringContaining('leave_out'),
    });
  });
});
