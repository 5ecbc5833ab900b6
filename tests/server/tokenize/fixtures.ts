/** Access to the tokenizer fixtures; made by tests/fixtures/tokenizers/make.py. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Message } from '../../../electron/server/tokenize/template.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

interface Reference {
  folder: string;
  bos: number;
  eos: number;
  texts: { text: string; ids: number[]; with_special: number[]; decoded: string }[];
  chats: Record<
    string,
    {
      messages: Message[];
      text: string;
      ids: number[];
      prompts: { turn: number; text: string; ids: number[] }[];
    }
  >;
}

const all = JSON.parse(readFileSync(join(root, 'tests/fixtures/tokenizers/reference.json'), 'utf8')) as {
  families: Record<string, Reference>;
};

export const families = Object.keys(all.families);

export function fixture(family: string): { folder: string; reference: Reference } {
  const reference = all.families[family];
  if (!reference) throw new Error(`no fixture ${family}`);
  return { folder: join(root, reference.folder), reference };
}

/** ChatML, byte-level BPE, the SmolLM2 chat template with its default system message. */
export const tinyModel = join(root, 'tests/fixtures/tiny-model');
