/**
 * GGUF vocabularies of published models give the ids of llama.cpp's test vectors, which are those of the models' own tokenizers. They come in the sdist of
 * llama_cpp_python (76 MB, from PyPI or COLLIE_VOCABULARIES, a folder that holds it); without it the test is skipped.
 */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Tokenizer } from 'tokenizers';
import { afterAll, describe, expect, it } from 'vitest';
import { tokenizerFiles } from '../../electron/server/models/gguf-tokenizer.ts';
import { readVocabulary } from '../../electron/server/models/gguf-vocabulary.ts';
import { native } from '../../electron/server/native/addon.ts';
import { referencePython } from '../support/python.ts';

const { python, skip } = await referencePython();
const named = process.env.COLLIE_VOCABULARIES;
const folder = named ?? mkdtempSync(join(tmpdir(), 'collie-vocabularies-'));
afterAll(() => {
  if (named === undefined) rmSync(folder, { recursive: true, force: true });
});

/** No decoders, or of splits that are refused by name. */
const LEFT_OUT = /bert|nomic|baichuan|aquila|deepseek|gemma-4|gemma4|nemotron|gpt-neox/;

function fetched(): string | null {
  if (skip !== null) return skip;
  const script = join(import.meta.dirname, 'vocabularies.py');
  const { status, stderr } = spawnSync(python ?? '', [script, folder], {
    encoding: 'utf8',
    timeout: 300_000,
  });
  return status === 0 ? null : `llama_cpp_python cannot be fetched: ${stderr.trim().split('\n').at(-1)}`;
}
const reason = fetched();
if (reason) console.warn(`Vocabularies are not tested. ${reason}`);

const names = reason
  ? []
  : readdirSync(folder)
      .filter((name) => name.endsWith('.gguf.inp') && !LEFT_OUT.test(name))
      .map((name) => name.replace(/\.inp$/, ''));

describe.skipIf(reason !== null)('vocabularies of published models', () => {
  it.each(names)('%s', { timeout: 120_000 }, async (name) => {
    const { metadata } = native((addon) => addon.ggufInfo(join(folder, name)));
    const files = tokenizerFiles(readVocabulary(metadata, 10_000_000), 2048);
    const tokenizer = Tokenizer.fromString(JSON.stringify(files['tokenizer.json']));
    const read = (end: string) => readFileSync(join(folder, `${name}.${end}`), 'utf8');
    const texts = read('inp').split('\n__ggml_vocab_test__\n');
    const expected = read('out').split('\n');
    let compared = 0;
    for (const [k, text] of texts.entries()) {
      const ids = (expected[k] ?? '').trim().split(/\s+/).filter(Boolean).map(Number);
      if (ids.length === 0) continue;
      const got = await tokenizer.encode(text, null, { addSpecialTokens: false });
      expect(got.getIds(), JSON.stringify(text)).toEqual(ids);
      compared += 1;
    }
    expect(compared).toBeGreaterThan(40);
  });

  it('are there', () => expect(names.length).toBeGreaterThanOrEqual(9));
});
