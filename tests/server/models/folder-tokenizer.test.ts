/**
 * A tokenizer.json made from a sentencepiece model, from merges or from ranks gives the ids of sentencepiece, transformers and tiktoken
 * (tests/fixtures/tokenizers/make_readers.py); damaged files are refused by name.
 */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer } from 'tokenizers';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeTokenizer, tokenizerSource } from '../../../electron/server/models/folder-tokenizer.ts';
import { CollieError } from '../../../electron/shared/errors.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/tokenizers/readers');
const reference = JSON.parse(readFileSync(join(fixtures, 'readers.json'), 'utf8')) as {
  texts: string[];
  ids: Record<string, number[][]>;
};

const made = (name: string) => {
  const { files, note } = makeTokenizer(name.includes('/') ? name : join(fixtures, name));
  const tokenizer = Tokenizer.fromString(files['tokenizer.json'] as string);
  return { tokenizer, note, config: JSON.parse(files['tokenizer_config.json'] as string) };
};
const ids = async (tokenizer: Tokenizer, text: string, special = false) =>
  (await tokenizer.encode(text, null, { addSpecialTokens: special })).getIds();

describe('tokenizer.json out of other files', () => {
  it.each(Object.keys(reference.ids))('%s: ids of the library it is of', async (name) => {
    const { tokenizer } = made(name);
    for (const [k, text] of reference.texts.entries())
      expect(await ids(tokenizer, text), JSON.stringify(text)).toEqual(reference.ids[name]?.[k]);
  });

  it.each(['sentencepiece-bpe', 'sentencepiece-chatglm', 'merges-moss', 'tiktoken-glm4'])(
    '%s: texts come back',
    async (name) => {
      const { tokenizer } = made(name);
      // sentencepiece itself takes U+2581 for a space.
      for (const text of reference.texts)
        expect(await tokenizer.decode(await ids(tokenizer, text), false)).toBe(
          name.startsWith('sentencepiece') ? text.replaceAll('\u2581', ' ') : text,
        );
    },
  );

  it('puts what the Python class puts before a text', async () => {
    const starts = async (name: string) => {
      const { tokenizer } = made(name);
      const all = await ids(tokenizer, 'The', true);
      return all
        .slice(0, all.length - (await ids(tokenizer, 'The')).length)
        .map((id) => tokenizer.idToToken(id));
    };
    expect(await starts('sentencepiece-bpe')).toEqual(['<s>']);
    expect(await starts('sentencepiece-unigram')).toEqual([]);
    expect(await starts('sentencepiece-chatglm')).toEqual(['[gMASK]', 'sop']);
    expect(await starts('tiktoken-glm4')).toEqual(['[gMASK]', '<sop>']);
    expect(await starts('merges-moss')).toEqual([]);
  });

  it('gives tokens that files or classes list their ids', async () => {
    const moss = made('merges-moss');
    expect(moss.config.eos_token).toBe('<eom>');
    expect(moss.tokenizer.tokenToId('<eot>')).toBe((moss.tokenizer.tokenToId('<eoh>') ?? 0) + 5);
    expect(await ids(moss.tokenizer, 'a<eom>')).toHaveLength(2);
    const glm = made('sentencepiece-chatglm');
    expect(glm.tokenizer.tokenToId('[MASK]')).toBe(460);
    expect(glm.tokenizer.tokenToId('<|observation|>')).toBe(468);
    expect(made('sentencepiece-unigram').tokenizer.tokenToId('[PAD]')).toBe(330);
    expect(made('tiktoken-qwen').tokenizer.tokenToId('<|extra_204|>')).toBe(420 + 207);
  });

  it('says what it was made from', () => {
    expect(made('sentencepiece-bpe').note).toBe(
      'tokenizer.json was made from tokenizer.model (sentencepiece, BPE, 500 pieces).',
    );
    expect(made('merges-moss').note).toContain('vocab.json and merges.txt');
  });
});

describe('files that cannot be used', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'collie-tokenizer-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const refusal = () => {
    try {
      makeTokenizer(folder);
    } catch (thrown) {
      if (thrown instanceof CollieError && thrown.code === 'model.no_tokenizer') return thrown.message;
      throw thrown;
    }
    return null;
  };
  const copy = (name: string) => cpSync(join(fixtures, name), folder, { recursive: true });
  const change = (file: string, changed: (bytes: Buffer) => Buffer | string) =>
    writeFileSync(join(folder, file), changed(readFileSync(join(folder, file))));

  it('a folder without any tokenizer', () => {
    expect(tokenizerSource(folder)).toBeNull();
    expect(refusal()).toContain('no tokenizer.json');
  });

  it('a sentencepiece model that is cut anywhere', () => {
    copy('sentencepiece-bpe');
    const whole = readFileSync(join(folder, 'tokenizer.model'));
    for (let length = 1; length < whole.length; length += 97) {
      writeFileSync(join(folder, 'tokenizer.model'), whole.subarray(0, length));
      const message = refusal();
      // Between two pieces a cut is a smaller model, whose ids for begin and end are other pieces or none.
      if (message !== null) expect(message).toMatch(/damaged|no pieces/);
    }
  });

  it.each<[string, string, (bytes: Buffer) => Buffer | string, RegExp]>([
    ['tiktoken-qwen', 'qwen.tiktoken', () => 'IQ== 0\nnonsense', /line 2 is no token/],
    ['tiktoken-qwen', 'qwen.tiktoken', () => 'IQ== 0\nIQ== 1', /occurs twice/],
    ['tiktoken-qwen', 'qwen.tiktoken', () => '', /lists no tokens/],
    ['merges-moss', 'merges.txt', () => '#version: 0.2\na b c', /line 2 of merges.txt is no pair/],
    ['merges-moss', 'merges.txt', () => '#version: 0.2\nq\u4f60 z', /which vocab.json does not know/],
    ['merges-moss', 'vocab.json', () => '{"a": -1}', /gives "a" the id -1/],
    ['merges-moss', 'vocab.json', () => '{"a": 1, "b": 1}', /id 1 to two tokens/],
    ['merges-moss', 'vocab.json', () => '[', /vocab.json is not JSON/],
    [
      'merges-moss',
      'tokenizer_config.json',
      () => '{"tokenizer_class": "OtherTokenizer"}',
      /in the code of OtherTokenizer/,
    ],
    ['sentencepiece-bpe', 'tokenizer_config.json', () => '[]', /holds no JSON object/],
  ])('%s with a damaged %s', (name, file, damage, message) => {
    copy(name);
    change(file, damage);
    expect(refusal()).toMatch(message);
  });
});
