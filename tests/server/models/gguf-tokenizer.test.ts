/**
 * Tokenizers made from GGUF files give the ids of the reference: llama.cpp (for the sentencepiece vocabulary also sentencepiece
 * itself; for "tekken" the split of transformers), recorded by tests/fixtures/make_gguf.py on texts that trip tokenizers.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from 'tokenizers';
import { expect, it } from 'vitest';
import { tokenizerFiles } from '../../../electron/server/models/gguf-tokenizer.ts';
import { readVocabulary } from '../../../electron/server/models/gguf-vocabulary.ts';
import { native } from '../../../electron/server/native/addon.ts';
import { CollieError } from '../../../electron/shared/errors.ts';
import { describeWithAddon } from '../../native/addon-built.ts';

const fixtures = join(import.meta.dirname, '../../fixtures/gguf');
const reference = JSON.parse(readFileSync(join(fixtures, 'tokenizer-ids.json'), 'utf8')) as {
  texts: string[];
  ids: Record<string, number[][]>;
};

function metadataOf(file: string): Record<string, unknown> {
  return native((addon) => addon.ggufInfo(join(fixtures, file))).metadata;
}

function build(metadata: Record<string, unknown>): Tokenizer {
  const files = tokenizerFiles(readVocabulary(metadata, 1_000_000), 128);
  return Tokenizer.fromString(JSON.stringify(files['tokenizer.json']));
}

const code = (work: () => unknown) => {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof CollieError) return thrown.code;
    throw thrown;
  }
  return null;
};

describeWithAddon('tokenizer from GGUF metadata', () => {
  const splits = Object.keys(reference.ids).filter((name) => name !== 'spm');

  it.each(splits)('byte-level BPE, split "%s": ids of the reference', async (pre) => {
    const tokenizer = build({ ...metadataOf('tiny-llama.gguf'), 'tokenizer.ggml.pre': pre });
    for (const [index, text] of reference.texts.entries()) {
      const encoding = await tokenizer.encode(text, null, { addSpecialTokens: false });
      expect(encoding.getIds(), JSON.stringify(text)).toEqual(reference.ids[pre]?.[index]);
      expect(await tokenizer.decode(encoding.getIds(), false)).toBe(text);
    }
  });

  it('the references of different splits differ, so that the test above can fail', () => {
    const distinct = new Set(splits.map((pre) => JSON.stringify(reference.ids[pre])));
    expect(distinct.size).toBeGreaterThanOrEqual(6);
  });

  it('sentencepiece BPE with byte fallback: ids of sentencepiece and llama.cpp', async () => {
    const tokenizer = build(metadataOf('tiny-spm.gguf'));
    for (const [index, text] of reference.texts.entries()) {
      const encoding = await tokenizer.encode(text, null, { addSpecialTokens: false });
      expect(encoding.getIds(), JSON.stringify(text)).toEqual(reference.ids.spm?.[index]);
    }
  });

  it('adds the begin token where the model wants it', async () => {
    const without = build(metadataOf('tiny-llama.gguf'));
    const withBos = build({ ...metadataOf('tiny-llama.gguf'), 'tokenizer.ggml.add_bos_token': true });
    const spm = build(metadataOf('tiny-spm.gguf'));
    expect((await without.encode('a')).getIds()).not.toContain(1);
    expect((await withBos.encode('a')).getIds()[0]).toBe(1);
    expect((await spm.encode('a')).getIds()[0]).toBe(1);
  });

  it('keeps chat template and special tokens', () => {
    const files = tokenizerFiles(readVocabulary(metadataOf('tiny-llama.gguf'), 1_000_000), 128);
    expect(files['tokenizer_config.json']).toMatchObject({
      bos_token: '<|im_start|>',
      eos_token: '<|im_end|>',
      pad_token: '<|im_end|>',
      unk_token: '<|endoftext|>',
      model_max_length: 128,
      add_bos_token: false,
      chat_template: expect.stringContaining('<|im_start|>assistant'),
    });
    expect(files['generation_config.json']).toEqual({ bos_token_id: 1, eos_token_id: 2, pad_token_id: 2 });
  });

  it.each([
    ['an unknown split', { 'tokenizer.ggml.pre': 'bloom' }],
    ['no split', { 'tokenizer.ggml.pre': undefined }],
    ['another model', { 'tokenizer.ggml.model': 't5' }],
    ['no tokenizer', { 'tokenizer.ggml.model': undefined }],
    ['no tokens', { 'tokenizer.ggml.tokens': undefined }],
    ['tokens that are no texts', { 'tokenizer.ggml.tokens': [1, 2] }],
    ['too few types', { 'tokenizer.ggml.token_type': [1] }],
    ['an id beyond the vocabulary', { 'tokenizer.ggml.eos_token_id': 99_999 }],
    ['a normalizer', { 'tokenizer.ggml.precompiled_charsmap': [1] }],
  ])('refuses %s', (_, change) => {
    const metadata = { ...metadataOf('tiny-llama.gguf'), ...change };
    expect(code(() => tokenizerFiles(readVocabulary(metadata, 1_000_000), 128))).toBe('model.no_tokenizer');
  });

  it('refuses more tokens than embeddings, and tokens that occur twice', () => {
    const metadata = metadataOf('tiny-llama.gguf');
    expect(code(() => readVocabulary(metadata, 10))).toBe('model.no_tokenizer');
    const tokens = [...(metadata['tokenizer.ggml.tokens'] as string[])];
    tokens[5] = tokens[6] as string;
    const twice = readVocabulary({ ...metadata, 'tokenizer.ggml.tokens': tokens }, 1_000_000);
    expect(code(() => tokenizerFiles(twice, 128))).toBe('model.no_tokenizer');
  });
});
