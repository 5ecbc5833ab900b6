/** The chat template is found in every place where it can stand, and models whose code had it get the one built in here. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { builtInTemplate } from '../../../electron/server/tokenize/built-in-templates.ts';
import { templateOf } from '../../../electron/server/tokenize/files.ts';
import { ChatTemplate } from '../../../electron/server/tokenize/template.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-template-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function write(files: Record<string, unknown>): void {
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
}

describe('where a chat template stands', () => {
  it.each<[string, Record<string, unknown>, string]>([
    ['a file of its own', { 'chat_template.jinja': 'T' }, 'chat_template.jinja'],
    ['a string', { 'tokenizer_config.json': { chat_template: 'T' } }, 'tokenizer_config.json'],
    [
      'a list with a default',
      {
        'tokenizer_config.json': {
          chat_template: [
            { name: 'rag', template: 'R' },
            { name: 'default', template: 'T' },
          ],
        },
      },
      'tokenizer_config.json',
    ],
    [
      'a list without',
      { 'tokenizer_config.json': { chat_template: [{ name: 'tool_use', template: 'T' }] } },
      'tokenizer_config.json',
    ],
    [
      'an object by name',
      { 'tokenizer_config.json': { chat_template: { default: 'T', rag: 'R' } } },
      'tokenizer_config.json',
    ],
    [
      'a processor',
      { 'chat_template.json': { chat_template: 'T' }, 'tokenizer_config.json': {} },
      'chat_template.json',
    ],
    ['a newer processor', { 'processor_config.json': { chat_template: 'T' } }, 'processor_config.json'],
    [
      'a folder of named ones',
      { 'additional_chat_templates/rag.jinja': 'R', 'additional_chat_templates/default.jinja': 'T' },
      'additional_chat_templates/default.jinja',
    ],
    [
      'its own file before the others',
      {
        'chat_template.jinja': 'T',
        'tokenizer_config.json': { chat_template: 'C' },
        'additional_chat_templates/rag.jinja': 'R',
      },
      'chat_template.jinja',
    ],
  ])('%s', async (_, files, place) => {
    write(files);
    expect(await templateOf(folder)).toEqual({ text: 'T', place });
  });

  it('nowhere: a base model', async () => {
    write({ 'config.json': { model_type: 'llama' }, 'tokenizer_config.json': { chat_template: '' } });
    expect(await templateOf(folder)).toBeNull();
  });

  it('a damaged file is named', async () => {
    write({ 'tokenizer_config.json': '{' });
    await expect(templateOf(folder)).rejects.toMatchObject({ code: 'model.no_tokenizer' });
  });
});

describe('templates that are built in', () => {
  const turns = [
    { role: 'user', content: 'Q1' },
    { role: 'assistant', content: 'A1' },
    { role: 'user', content: 'Q2' },
  ];
  const render = (modelType: string, messages = turns, generation = true) => {
    const found = builtInTemplate(folder, modelType);
    const special = { bos_token: '<s>', eos_token: '</s>' };
    return new ChatTemplate(found?.text ?? null, special).render({ messages }, generation);
  };

  /** What the code of these models builds from a history of one turn and a question. */
  it('write the prompts of the code that they stand for', () => {
    expect(render('internlm')).toBe('<s><|User|>:Q1<eoh>\n<|Bot|>:A1<eoa>\n<|User|>:Q2<eoh>\n<|Bot|>:');
    expect(render('moss')).toBe('<|Human|>: Q1<eoh>\n<|MOSS|>: A1<eom>\n<|Human|>: Q2<eoh>\n<|MOSS|>:');
    expect(render('chatglm')).toBe('[gMASK]sop[Round 1]\n\n问：Q1\n\n答：A1\n\n[Round 2]\n\n问：Q2\n\n答：');
    write({ 'tokenization_chatglm.py': 'role_special_tokens = ["<|system|>", "<|observation|>"]' });
    expect(render('chatglm')).toBe('[gMASK]sop<|user|>\n Q1<|assistant|>\n A1<|user|>\n Q2<|assistant|>');
  });

  it('begin a conversation with what they ask with', () => {
    for (const type of ['internlm', 'moss', 'chatglm'])
      expect(
        render(type, [...turns, { role: 'assistant', content: 'A2' }], false).startsWith(render(type)),
      ).toBe(true);
  });

  it('leave other models alone', async () => {
    expect(builtInTemplate(folder, 'llama')).toBeNull();
    write({ 'config.json': { model_type: 'moss' }, 'chat_template.jinja': 'T' });
    expect((await templateOf(folder))?.text).toBe('T');
  });
});
