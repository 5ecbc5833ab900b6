/** Damaged files of a model: imported, or refused by name; nothing is left behind, and what was imported can be described. */
import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { ModelLibrary } from '../../electron/server/models/library.ts';
import { tokenizeConversation } from '../../electron/server/tokenize/conversation.ts';
import { readTokenizer } from '../../electron/server/tokenize/tokenizer.ts';
import { scratchFolder } from '../server/datasets/fixtures.ts';
import { makeTinyModel } from '../support/tiny-model.ts';
import { inputs } from './campaign.ts';

const scratch = scratchFolder('faults');
const library = new ModelLibrary(join(scratch, 'models'));
const work = { signal: new AbortController().signal, progress: () => {} };
const sound = makeTinyModel(join(scratch, 'sound'), { dtype: 'F32', tied: true });
writeFileSync(join(sound, 'generation_config.json'), '{"eos_token_id": [2, 1]}');

async function importAndRemove(path: string): Promise<void> {
  let id: string | null = null;
  try {
    const card = await library.import(path, 'x', work);
    id = card.id;
    const tokenizer = await readTokenizer(card.path);
    const messages = [
      { role: 'user', content: 'a' },
      { role: 'assistant', content: 'b' },
    ];
    await tokenizeConversation(messages, tokenizer);
  } finally {
    if (id !== null) await library.remove(id);
    expect(readdirSync(library.folder)).toEqual([]);
  }
}

/** Large files are damaged in their beginning, where everything that is parsed stands. */
const HEAD = 20_000;

test.each([
  'config.json',
  'tokenizer.json',
  'tokenizer_config.json',
  'chat_template.jinja',
  'generation_config.json',
  'model.safetensors',
])('%s', async (name) => {
  const folder = join(scratch, `of-${name}`);
  cpSync(sound, folder, { recursive: true });
  const content = readFileSync(join(sound, name));
  const tail = content.subarray(HEAD);
  await inputs(name, content.subarray(0, HEAD), (bytes) => {
    writeFileSync(join(folder, name), Buffer.concat([bytes, tail]));
    return importAndRemove(folder);
  });
});

test('x.gguf', async () => {
  const path = join(scratch, 'x.gguf');
  const content = readFileSync(join(import.meta.dirname, '../fixtures/gguf/tiny-llama.gguf'));
  await inputs('gguf', content.subarray(0, HEAD), (bytes) => {
    writeFileSync(path, Buffer.concat([bytes, content.subarray(HEAD)]));
    return importAndRemove(path);
  });
});
