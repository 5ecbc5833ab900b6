/** Ids, texts and special tokens against Hugging Face transformers (tests/fixtures/tokenizers/make.py). */
import { cp, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { StreamDecoder } from '../../../electron/server/tokenize/stream.ts';
import { readTokenizer } from '../../../electron/server/tokenize/tokenizer.ts';
import { families, fixture, tinyModel } from './fixtures.ts';

let scratch: string;
beforeAll(async () => {
  scratch = await mkdtemp(join(tmpdir(), 'collie-tokenizer-'));
});
afterAll(() => rm(scratch, { recursive: true, force: true }));

async function copyOf(name: string): Promise<string> {
  const folder = join(scratch, name);
  await cp(tinyModel, folder, { recursive: true });
  return folder;
}

describe.each(families)('%s against transformers', (family) => {
  const { folder, reference } = fixture(family);

  it('gives the same ids and decodes them to the same text', async () => {
    const tokenizer = await readTokenizer(folder);
    for (const { text, ids, with_special, decoded } of reference.texts) {
      expect(await tokenizer.encode(text), text).toEqual(ids);
      expect(await tokenizer.encode(text, 'add'), text).toEqual(with_special);
      expect(await tokenizer.decode(ids, 'keep'), text).toBe(decoded);
    }
    expect(tokenizer.bos?.id).toBe(reference.bos);
    expect(tokenizer.eos?.id).toBe(reference.eos);
  });

  it('shows every token as text that joins to the whole', async () => {
    const tokenizer = await readTokenizer(folder);
    const ids = await tokenizer.encode('The  answer\nis nine');
    expect((await tokenizer.tokenTexts(ids)).join('').trimStart()).toBe('The  answer\nis nine');
  });

  it('streams text without halves of characters', async () => {
    const tokenizer = await readTokenizer(folder);
    const text = 'naïve 你好 🙂🐕 end';
    const decoder = new StreamDecoder(tokenizer);
    let shown = '';
    for (const id of await tokenizer.encode(text)) {
      const piece = await decoder.push(id);
      expect(piece).not.toContain('\uFFFD');
      shown += piece;
    }
    expect(shown + (await decoder.end())).toBe(text);
  });
});

describe('readTokenizer', () => {
  it('knows what ends an answer', async () => {
    const chatml = await readTokenizer(tinyModel);
    expect(chatml.endOfTurn?.text).toBe('<|im_end|>');
    expect(chatml.stopIds).toEqual([chatml.endOfTurn?.id]);
    const llama3 = await readTokenizer(fixture('llama3').folder);
    expect(llama3.endOfTurn?.text).toBe('<|eot_id|>');
    expect(llama3.eos?.text).toBe('<|end_of_text|>');
    expect([...llama3.stopIds].sort()).toEqual([1, 4]);
  });

  it('shows bytes that are no whole character as U+FFFD', async () => {
    const tokenizer = await readTokenizer(tinyModel);
    const texts = await tokenizer.tokenTexts(await tokenizer.encode('𝕏'));
    expect(texts.length).toBeGreaterThan(1);
    expect(texts.every((text) => text.includes('\uFFFD'))).toBe(true);
  });

  it('says what is missing or damaged, and what to do', async () => {
    const none = join(scratch, 'none');
    await expect(readTokenizer(none)).rejects.toMatchObject({
      code: 'model.no_tokenizer',
      message: expect.stringContaining('no tokenizer.json'),
      hint: expect.stringContaining('tokenizer.json'),
    });
    const broken = await copyOf('broken');
    await writeFile(join(broken, 'tokenizer.json'), '{"model": 3');
    await expect(readTokenizer(broken)).rejects.toMatchObject({ code: 'model.no_tokenizer' });
    const config = await copyOf('config');
    await writeFile(join(config, 'tokenizer_config.json'), '{"eos_token": ');
    await expect(readTokenizer(config)).rejects.toMatchObject({
      code: 'model.no_tokenizer',
      message: expect.stringContaining('tokenizer_config.json'),
    });
    const template = await copyOf('template');
    await writeFile(join(template, 'chat_template.jinja'), '{% for message in %}');
    await expect(readTokenizer(template)).rejects.toMatchObject({
      code: 'model.no_tokenizer',
      message: expect.stringContaining('chat template'),
    });
  });
});
