/** Files of a model folder that do not belong together: tensors, tokens, pointers. */
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { refuseStandIns, tokenizerNotes, unusedTensorNotes } from '../../../electron/server/models/fit.ts';
import { readTokenizer } from '../../../electron/server/tokenize/tokenizer.ts';
import { tinyModel } from '../tokenize/fixtures.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-fit-'));
  cpSync(tinyModel, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const pointer = 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 9085657\n';

describe('what stands in the place of a file', () => {
  it.each(['tokenizer.json', 'model.safetensors', 'model-00002-of-00002.safetensors'])(
    'a Git LFS pointer as %s',
    async (name) => {
      await refuseStandIns(folder);
      writeFileSync(join(folder, name), pointer);
      await expect(refuseStandIns(folder)).rejects.toMatchObject({
        code: 'file.unreadable',
        message: expect.stringContaining(`${name} is a Git LFS pointer`),
        hint: expect.stringContaining('git lfs pull'),
      });
    },
  );

  it.each(['tokenizer.json', 'model.safetensors', 'config.json'])('a web page as %s', async (name) => {
    writeFileSync(join(folder, 'about.html'), '<html></html>');
    await refuseStandIns(folder);
    writeFileSync(join(folder, name), '<!DOCTYPE html>\n<html><head><title>Sign in</title></head></html>');
    await expect(refuseStandIns(folder)).rejects.toMatchObject({
      code: 'file.unreadable',
      message: expect.stringContaining(`${name} is a web page (HTML)`),
      hint: expect.stringContaining('download the file itself'),
    });
  });
});

describe('no file at all where one is read', () => {
  const refused = (name: string, what: string) =>
    expect(refuseStandIns(folder)).rejects.toMatchObject({
      code: 'file.unreadable',
      message: `${join(folder, name)} is ${what}.`,
    });

  it.each(['tokenizer.json', 'chat_template.jinja', 'model.safetensors'])('a pipe as %s', async (name) => {
    rmSync(join(folder, name), { force: true });
    execFileSync('mkfifo', [join(folder, name)]);
    await refused(name, 'a pipe (FIFO), not a file');
  });

  it('a folder, and a link whose target was never fetched', async () => {
    mkdirSync(join(folder, 'merges.txt'));
    await refused('merges.txt', 'a folder, not a file');
    rmSync(join(folder, 'merges.txt'), { recursive: true });
    symlinkSync('../../blobs/4d7a', join(folder, 'generation_config.json'));
    await refused('generation_config.json', 'a link to something that is not there');
  });

  it('weights in other formats are not opened', async () => {
    symlinkSync('../../blobs/4d7a', join(folder, 'pytorch_model.bin'));
    await refuseStandIns(folder);
  });
});

describe('tensors without a place', () => {
  const notes = (...unusedTensors: string[]) =>
    unusedTensorNotes('/m', {
      architecture: 'LlamaForCausalLM',
      layers: 2,
      tiedEmbeddings: true,
      unusedTensors,
    });

  it('that are computed, or are the tied head, are of no consequence', () => {
    expect(notes('lm_head.weight', 'model.layers.0.self_attn.rotary_emb.inv_freq')).toEqual([]);
    expect(notes('gpt_neox.layers.0.attention.bias', 'gpt_neox.layers.0.attention.masked_bias')).toEqual([]);
    expect(notes('transformer.h.0.attn.bias', 'transformer.h.1.attn.causal_mask')).toEqual([]);
  });

  it.each([
    'model.layers.1.self_attn.q_proj.bias',
    'model.layers.0.self_attn.q_norm.weight',
    'transformer.h.1.attn.q_norm.weight',
    'lm_head.bias',
  ])('%s would have been computed with', (name) => {
    expect(() => notes('score.weight', name)).toThrow(
      expect.objectContaining({
        code: 'model.unsupported_feature',
        message: `/m has tensors that LlamaForCausalLM does not have here: ${name}. Without them it would be another model.`,
      }),
    );
  });

  it('beside the decoder are named', () => {
    expect(notes('score.weight', 'model.layers.2.mlp.up_proj.weight')).toEqual([
      '2 tensors are not used, as LlamaForCausalLM has no place for them: score.weight, model.layers.2.mlp.up_proj.weight.',
    ]);
  });
});

describe('a tokenizer against the embedding', () => {
  const path = (name: string) => join(folder, name);
  const change = (name: string, edit: (json: Record<string, unknown>) => void) => {
    const json = JSON.parse(readFileSync(path(name), 'utf8'));
    edit(json);
    writeFileSync(path(name), JSON.stringify(json));
  };
  const notes = async (rows: number) => tokenizerNotes(folder, await readTokenizer(folder), rows);
  const add = (content: string, id: number) =>
    change('tokenizer.json', (json) =>
      (json.added_tokens as unknown[]).push({
        id,
        content,
        special: true,
        single_word: false,
        lstrip: false,
        rstrip: false,
        normalized: false,
      }),
    );

  it('that has a row for every token', async () => {
    const { vocabSize } = await readTokenizer(folder);
    expect(await notes(vocabSize)).toEqual([]);
    expect(await notes(vocabSize + 64)).toEqual([]);
  });

  it('of another model', async () => {
    const { baseVocabSize } = await readTokenizer(folder);
    await expect(notes(baseVocabSize - 1)).rejects.toMatchObject({
      code: 'model.no_tokenizer',
      message: `${folder}: the tokenizer has ${baseVocabSize} tokens, the embedding ${baseVocabSize - 1} rows: they are of different models.`,
    });
  });

  it('with an added token that has no row', async () => {
    const { vocabSize } = await readTokenizer(folder);
    add('[PAD]', vocabSize);
    expect(await notes(vocabSize)).toEqual([
      `The embedding has ${vocabSize} rows and none for [PAD] (${vocabSize}): rows with this token cannot be trained on.`,
    ]);
  });

  it('whose end token has no row', async () => {
    const { vocabSize } = await readTokenizer(folder);
    add('<|ende|>', vocabSize);
    change('tokenizer_config.json', (json) => {
      json.eos_token = '<|ende|>';
    });
    await expect(notes(vocabSize)).rejects.toMatchObject({
      message: `${folder}: the eos_token <|ende|> has id ${vocabSize}, outside of the ${vocabSize} rows of the embedding.`,
    });
  });

  it('with an end of generation outside of the vocabulary', async () => {
    const { vocabSize } = await readTokenizer(folder);
    writeFileSync(path('generation_config.json'), JSON.stringify({ eos_token_id: [2, 99_999] }));
    expect(await notes(vocabSize)).toEqual([
      expect.stringContaining(`names 99999, outside of the ${vocabSize} tokens of the vocabulary`),
    ]);
  });
});
