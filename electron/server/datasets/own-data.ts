/** What of a run's data is its own, whoever made its tokens: samples.json, prompt-init.json and, last, meta.json. */
import { join } from 'node:path';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { replaceText } from '../files/write.ts';
import type { ChatTokenizer } from '../tokenize/chat-tokenizer.ts';
import type { DataMeta } from './prepare.ts';

export const META_FILE = 'meta.json';
export const SAMPLES_FILE = 'samples.json';
export const PROMPT_INIT_FILE = 'prompt-init.json';

interface Own {
  spec: RunSpec;
  tokenizer: ChatTokenizer;
  dataDir: string;
}

async function writeAtomically(path: string, value: unknown): Promise<void> {
  await replaceText(path, `${JSON.stringify(value, null, 2)}\n`);
}

/** With meta.json, everything else is there. */
export async function writeOwnData(own: Own, meta: DataMeta): Promise<void> {
  await writeSamples(own);
  await writePromptInit(own);
  await writeAtomically(join(own.dataDir, META_FILE), meta);
}

/** data/samples.json: the prompts of the spec as ids, with the ids that end an answer. */
async function writeSamples({ spec, tokenizer, dataDir }: Own): Promise<void> {
  const { system_prompt } = spec.dataset;
  const system = system_prompt === '' ? [] : [{ role: 'system', content: system_prompt }];
  const samples: { ids: number[]; stop_ids: number[] }[] = [];
  for (const content of spec.sampling.prompts) {
    const ids = await tokenizer.prompt({ messages: [...system, { role: 'user', content }] });
    samples.push({ ids: [...ids], stop_ids: tokenizer.stopIds });
  }
  await writeAtomically(join(dataDir, SAMPLES_FILE), samples);
}

/**
 * data/prompt-init.json: the ids that virtual tokens start as. As in PEFT, with the tokens that the tokenizer itself puts
 * around a text. No file without a text.
 */
async function writePromptInit({ spec, tokenizer, dataDir }: Own): Promise<void> {
  const { method } = spec;
  if (!('init_text' in method) || method.init_text === '') return;
  const ids = await tokenizer.encode(method.init_text, 'add');
  if (ids.length > 0) await writeAtomically(join(dataDir, PROMPT_INIT_FILE), { ids });
}
