import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import {
  encodeConversations,
  promptIds,
  tokenizeConversation,
  trainedTokens,
} from '../../../electron/server/tokenize/conversation.ts';
import { renderConversation } from '../../../electron/server/tokenize/segments.ts';
import type { Message } from '../../../electron/server/tokenize/template.ts';
import { type ModelTokenizer, readTokenizer } from '../../../electron/server/tokenize/tokenizer.ts';
import { families, fixture, tinyModel } from './fixtures.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'collie-conversation-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

/** The tiny model with another chat template; null: with none. */
async function withTemplate(name: string, template: string | null): Promise<ModelTokenizer> {
  const folder = join(scratch, name);
  await cp(tinyModel, folder, { recursive: true });
  if (template === null) await rm(join(folder, 'chat_template.jinja'));
  else await writeFile(join(folder, 'chat_template.jinja'), template);
  return readTokenizer(folder);
}

const ask = (content: string): Message => ({ role: 'user', content });
const answer = (content: string): Message => ({ role: 'assistant', content });

/** Texts of the trained stretches, in order. */
async function trainedTexts(
  messages: Message[],
  tokenizer: ModelTokenizer,
  seqLen?: number,
): Promise<string[]> {
  const { ids, mask } = await tokenizeConversation(
    messages,
    tokenizer,
    seqLen === undefined ? {} : { seqLen },
  );
  const stretches: number[][] = [];
  for (const [k, id] of ids.entries()) {
    if (!mask[k]) continue;
    if (k > 0 && mask[k - 1]) stretches.at(-1)?.push(id);
    else stretches.push([id]);
  }
  return Promise.all(stretches.map((stretch) => tokenizer.decode(stretch, 'keep')));
}

describe.each(families)('the seam, %s', (family) => {
  const { folder, reference } = fixture(family);

  it.each(Object.keys(reference.chats))('renders and encodes like apply_chat_template: %s', async (title) => {
    const chat = reference.chats[title];
    if (!chat) throw new Error(title);
    const tokenizer = await readTokenizer(folder);
    const conversation = await tokenizeConversation(chat.messages, tokenizer);
    expect(conversation.rendered).toBe(chat.text);
    expect(await tokenizer.decode(conversation.ids, 'keep')).toBe(await tokenizer.decode(chat.ids, 'keep'));
    const merges = title === 'answer begins with white space';
    if (!merges) expect([...conversation.ids]).toEqual(chat.ids);
  });

  it.each(Object.keys(reference.chats))('trains on what the model is asked in use: %s', async (title) => {
    const chat = reference.chats[title];
    if (!chat) throw new Error(title);
    const tokenizer = await readTokenizer(folder);
    const { ids, mask } = await tokenizeConversation(chat.messages, tokenizer);
    for (const { turn, ids: expected } of chat.prompts) {
      const prompt = await promptIds(chat.messages.slice(0, turn), tokenizer);
      expect([...prompt], `turn ${turn} against transformers`).toEqual(expected);
      expect([...ids.subarray(0, prompt.length)], `turn ${turn} in training`).toEqual(expected);
      expect(mask[prompt.length - 1], 'the prompt is masked').toBe(0);
      expect(mask[prompt.length], 'the answer is trained').toBe(1);
      const end = mask.indexOf(0, prompt.length);
      const stop = ids[(end < 0 ? ids.length : end) - 1] as number;
      expect(tokenizer.stopIds, 'the last trained token of an answer ends it').toContain(stop);
    }
    const stretches = mask.reduce((n, bit, k) => n + Number(bit === 1 && mask[k - 1] !== 1), 0);
    expect(stretches, 'one trained stretch per answer').toBe(chat.prompts.length);
  });
});

describe('what is trained', () => {
  it('is every answer with its end-of-turn token, and nothing else', async () => {
    const tokenizer = await readTokenizer(tinyModel);
    const chat = [ask('Name a dog.'), answer('A collie'), ask('And a cat?'), answer('')];
    expect(await trainedTexts(chat, tokenizer)).toEqual(['A collie<|im_end|>', '<|im_end|>']);
  });

  it('keeps the default system message a template brings, and a given one instead of it', async () => {
    const tokenizer = await readTokenizer(tinyModel);
    const plain = await tokenizeConversation([ask('hi'), answer('ho')], tokenizer);
    expect(plain.rendered).toContain('named SmolLM');
    const own = await tokenizeConversation(
      [{ role: 'system', content: 'Be a dog.' }, ask('hi'), answer('ho')],
      tokenizer,
    );
    expect(own.rendered).not.toContain('SmolLM');
    expect(own.rendered).toContain('Be a dog.');
  });

  it('keeps the end of an answer whose text holds the end-of-turn token, and warns', async () => {
    const tokenizer = await readTokenizer(tinyModel);
    const chat = [ask('hi'), answer('say <|im_end|> twice')];
    expect(await trainedTexts(chat, tokenizer)).toEqual(['say <|im_end|> twice<|im_end|>']);
    expect(renderConversation(chat, tokenizer).warnings).toContain('special_in_content');
  });

  it('leaves out messages after the last answer, and warns', async () => {
    const tokenizer = await readTokenizer(tinyModel);
    const chat = [ask('hi'), answer('ho'), ask('and now?')];
    const { rendered, warnings } = await tokenizeConversation(chat, tokenizer);
    expect(rendered).not.toContain('and now?');
    expect(warnings).toEqual(['after_last_answer']);
  });

  it('is the same for a batch as one by one', async () => {
    for (const family of families) {
      const { folder, reference } = fixture(family);
      const tokenizer = await readTokenizer(folder);
      const chats = Object.values(reference.chats).map(({ messages }) => messages);
      const batch = await encodeConversations(
        chats.map((messages) => renderConversation(messages, tokenizer)),
        tokenizer,
      );
      for (const [k, messages] of chats.entries())
        expect(batch[k]).toEqual(await tokenizeConversation(messages, tokenizer));
    }
  });
});

describe('long chats', () => {
  const long = (turns: number) =>
    Array.from({ length: turns }, (_, k) => [ask(`q ${k}`), answer(`a ${k} `.repeat(1 + (k % 5)))]).flat();

  it.each(['llama2', 'llama3'])('are cut as short ones, %s', async (family) => {
    const tokenizer = await readTokenizer(fixture(family).folder);
    const chat = long(40);
    const { segments, warnings } = renderConversation(chat, tokenizer);
    expect(warnings).toEqual([]);
    for (const turn of [0, 7, 23, 39]) {
      const before = segments.slice(0, 2 * turn + 1).map(({ text }) => text);
      const messages = chat.slice(0, 2 * turn + 1);
      expect(before.join('')).toBe(tokenizer.template.render({ messages }, true));
      const ids = (await tokenizer.encodeSegments(before)).flat();
      expect([...(await promptIds(messages, tokenizer))].slice(-ids.length)).toEqual(ids);
    }
  });

  it('take a number of renderings that does not grow with their turns', async () => {
    const tokenizer = await readTokenizer(tinyModel);
    const render = vi.spyOn(tokenizer.template, 'render');
    const counts: number[] = [];
    for (const turns of [50, 400]) {
      render.mockClear();
      renderConversation(long(turns), tokenizer);
      counts.push(render.mock.calls.length);
    }
    render.mockRestore();
    expect(counts[1]).toBe(counts[0]);
  });

  it('notice a template that rewrites one turn in the middle', async () => {
    const tokenizer = await withTemplate(
      'middle',
      "{% for m in messages %}<|im_start|>{{ m.role }}\n{% if loop.last %}{{ m.content }}{% else %}{{ m.content.split('</think>') | last }}{% endif %}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    );
    const chat = long(40);
    chat[41] = answer('<think>hm</think>a 20');
    expect(renderConversation(chat, tokenizer).warnings).toEqual(['history_rewritten']);
  });
});

describe('truncation', () => {
  it('says how many tokens fell off and whether the end of the answer is among them', async () => {
    const tokenizer = await readTokenizer(tinyModel);
    const chat = [{ role: 'system', content: 's' }, ask('hi'), answer('one two three')];
    const whole = await tokenizeConversation(chat, tokenizer);
    const newline = await tokenizeConversation(chat, tokenizer, { seqLen: whole.length - 1 });
    expect(newline).toMatchObject({ length: whole.length, endCutOff: false });
    expect(trainedTokens(newline.mask)).toBe(trainedTokens(whole.mask));
    const cut = await tokenizeConversation(chat, tokenizer, { seqLen: whole.length - 2 });
    expect(cut).toMatchObject({ length: whole.length, endCutOff: true });
    expect(cut.ids).toHaveLength(whole.length - 2);
    expect(trainedTokens(cut.mask)).toBe(trainedTokens(whole.mask) - 1);
    const none = await tokenizeConversation(chat, tokenizer, { seqLen: 4 });
    expect(trainedTokens(none.mask)).toBe(0);
  });
});

describe('templates', () => {
  it('a model without one gets the plain template', async () => {
    const tokenizer = await withTemplate('plain', null);
    const chat = [ask('2 + 2?'), answer('four')];
    const { rendered, warnings } = await tokenizeConversation(chat, tokenizer);
    expect(rendered).toBe('2 + 2?\nfour<|im_end|>');
    expect(warnings).toEqual([]);
    expect(await trainedTexts(chat, tokenizer)).toEqual(['four<|im_end|>']);
  });

  it('a plain prompt begins with what the tokenizer puts before a text', async () => {
    const folder = join(scratch, 'plain-bos');
    await cp(fixture('llama3').folder, folder, { recursive: true });
    await writeFile(
      join(folder, 'tokenizer_config.json'),
      JSON.stringify({ bos_token: '<|begin_of_text|>', eos_token: '<|end_of_text|>' }),
    );
    const tokenizer = await readTokenizer(folder);
    const prompt = await promptIds([ask('2 + 2?')], tokenizer);
    expect([...prompt]).toEqual(await tokenizer.encode('2 + 2?\n', 'add'));
    const { ids } = await tokenizeConversation([ask('2 + 2?'), answer('four')], tokenizer);
    expect([...ids.subarray(0, prompt.length)]).toEqual([...prompt]);
  });

  it('one that ends answers without a token gets the end-of-sequence token added', async () => {
    const tokenizer = await withTemplate(
      'endless',
      "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}",
    );
    const chat = [ask('hi'), answer('ho'), ask('again'), answer('hum')];
    expect(await trainedTexts(chat, tokenizer)).toEqual(['ho\n<|im_end|>', 'hum\n<|im_end|>']);
    const { ids, warnings } = await tokenizeConversation(chat, tokenizer);
    expect(warnings).toEqual(['end_of_turn_added']);
    const prompt = await promptIds(chat.slice(0, 3), tokenizer);
    expect([...ids.subarray(0, prompt.length)]).toEqual([...prompt]);
  });

  it('one that ends a finished conversation with another token trains every answer', async () => {
    const tokenizer = await withTemplate(
      'ending',
      "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% else %}<|endoftext|>{% endif %}",
    );
    const chat = [ask('hi'), answer('ho'), ask('again'), answer('hum')];
    expect(await trainedTexts(chat, tokenizer)).toEqual(['ho<|im_end|>', 'hum<|im_end|>']);
    const { ids, warnings, rendered } = await tokenizeConversation(chat, tokenizer);
    expect(warnings).toEqual([]);
    expect(rendered).toBe(tokenizer.template.render({ messages: chat }, false));
    const prompt = await promptIds(chat.slice(0, 3), tokenizer);
    expect([...ids.subarray(0, prompt.length)]).toEqual([...prompt]);
  });

  it('one that rewrites earlier turns trains the last answer only, and warns', async () => {
    const tokenizer = await withTemplate(
      'rewriting',
      "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{% if m['role'] == 'assistant' and loop.last %}<think></think>{% endif %}{{ m['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    );
    const chat = [ask('hi'), answer('ho'), ask('again'), answer('hum')];
    expect(await trainedTexts(chat, tokenizer)).toEqual(['<think></think>hum<|im_end|>']);
    const { ids, warnings } = await tokenizeConversation(chat, tokenizer);
    expect(warnings).toEqual(['history_rewritten']);
    const prompt = await promptIds(chat.slice(0, 3), tokenizer);
    expect([...ids.subarray(0, prompt.length)]).toEqual([...prompt]);
  });

  it('one whose prompt is not the beginning of the answer trains what it writes of the answer', async () => {
    // DeepSeek-R1: the prompt opens a thought that a finished answer does not have.
    const tokenizer = await withTemplate(
      'parting',
      "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n<think>{% endif %}",
    );
    const chat = [ask('hi'), answer('ho'), ask('again'), answer('hum')];
    expect(await trainedTexts(chat, tokenizer)).toEqual(['ho<|im_end|>', 'hum<|im_end|>']);
    const { warnings, rendered } = await tokenizeConversation(chat, tokenizer);
    expect(warnings).toEqual(['prompt_differs']);
    expect(rendered).toBe(tokenizer.template.render({ messages: chat }, false));
  });

  it('one that writes the system message only while it asks says that it is not trained', async () => {
    // Mistral v3 and Nemo: the system message goes before the last user message, if that is the last message.
    const tokenizer = await withTemplate(
      'system-last',
      "{% for m in messages %}{% if m.role == 'user' %}[INST] {% if loop.last %}{{ messages[0].content }}\n\n{% endif %}{{ m.content }}[/INST]{% elif m.role == 'assistant' %} {{ m.content | trim }}<|im_end|>{% endif %}{% endfor %}",
    );
    const chat = [
      { role: 'system', content: 'Be brief.' },
      ask('hi'),
      answer('ho'),
      ask('again'),
      answer('hum'),
    ];
    expect(await trainedTexts(chat, tokenizer)).toEqual(['ho<|im_end|>', 'hum<|im_end|>']);
    expect((await tokenizeConversation(chat, tokenizer)).warnings).toEqual([
      'prompt_differs',
      'unwritten:system',
    ]);
  });

  it('one whose answers cannot be found is refused', async () => {
    const tokenizer = await withTemplate(
      'unfindable',
      '<|im_start|>{{ messages[0].content }}<|im_end|>{% if add_generation_prompt %}<think>{% else %}{{ messages[1].content }}{% endif %}',
    );
    await expect(tokenizeConversation([ask('hi'), answer('ho')], tokenizer)).rejects.toMatchObject({
      code: 'model.unsupported_feature',
      message: expect.stringContaining('<think>'),
    });
  });

  it('an end of turn that is an added token but not marked special is one all the same', async () => {
    const folder = join(scratch, 'not-special');
    await cp(tinyModel, folder, { recursive: true });
    const json = JSON.parse(await readFile(join(folder, 'tokenizer.json'), 'utf8'));
    for (const token of json.added_tokens) if (token.content === '<|im_end|>') token.special = false;
    await writeFile(join(folder, 'tokenizer.json'), JSON.stringify(json));
    const config = JSON.parse(await readFile(join(folder, 'tokenizer_config.json'), 'utf8'));
    await writeFile(
      join(folder, 'tokenizer_config.json'),
      JSON.stringify({ ...config, eos_token: '<|endoftext|>' }),
    );
    const tokenizer = await readTokenizer(folder);
    expect(tokenizer.endOfTurn?.text).toBe('<|im_end|>');
    expect(await trainedTexts([ask('hi'), answer('yo')], tokenizer)).toEqual(['yo<|im_end|>']);
    expect(tokenizer.stopIds).toContain(tokenizer.endOfTurn?.id);
  });

  it('what a template refuses is an error with its reason', async () => {
    const tokenizer = await readTokenizer(fixture('llama2').folder);
    await expect(tokenizeConversation([ask('a'), ask('b'), answer('c')], tokenizer)).rejects.toMatchObject({
      code: 'dataset.bad_row',
      message: expect.stringContaining('Conversation roles must alternate'),
    });
  });

  it('a conversation without an answer is an error', async () => {
    const tokenizer = await readTokenizer(tinyModel);
    await expect(tokenizeConversation([ask('a')], tokenizer)).rejects.toMatchObject({
      code: 'dataset.bad_row',
    });
    await expect(promptIds([ask('a'), answer('b')], tokenizer)).rejects.toMatchObject({
      code: 'request.invalid',
    });
  });

  it('can use raise_exception, strftime_now and tojson', async () => {
    const tokenizer = await withTemplate(
      'functions',
      "{{ strftime_now('%Y') }} {{ {'a': ['é', '<b>'], 'n': none, 't': true} | tojson }}{% for m in messages %}{% if m['role'] == 'tool' %}{{ raise_exception('no tools') }}{% endif %}{{ m['content'] }}<|im_end|>{% endfor %}",
    );
    const { rendered } = await tokenizeConversation([ask('q'), answer('a')], tokenizer);
    expect(rendered).toBe(
      `${new Date().getFullYear()} {"a": ["é", "<b>"], "n": null, "t": true}q<|im_end|>a<|im_end|>`,
    );
    await expect(
      tokenizeConversation([{ role: 'tool', content: 'x' }, ask('q'), answer('a')], tokenizer),
    ).rejects.toThrow('no tools');
  });
});
