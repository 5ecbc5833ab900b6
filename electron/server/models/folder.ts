/** Checking a model folder in Hugging Face layout, and describing it as a card. */
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { ModelCard } from '../../shared/api/entities.ts';
import { CollieError, toErrorInfo } from '../../shared/errors.ts';
import { native } from '../native/addon.ts';
import { loadTokenizer } from '../tokenize/apart-tokenizer.ts';
import { refuseLfsPointers, tokenizerNotes, unusedTensorNotes } from './fit.ts';

/** What the library remembers of a model beside what its files say. */
export interface ModelRecord {
  id: string;
  name: string;
  path: string;
  origin: ModelCard['origin'];
  source: string;
  importedAt: string;
}

/** Reads and checks the folder: config, headers of all weights, tokenizer. Throws what is wrong. */
export async function describeFolder(record: ModelRecord): Promise<ModelCard> {
  await refuseLfsPointers(record.path);
  const { unusedTensors, ...summary } = await native((addon) => addon.modelSummary(record.path));
  if (!existsSync(join(record.path, 'tokenizer.json')))
    throw new CollieError(
      'model.no_tokenizer',
      `${record.path} has no tokenizer.json.`,
      'Copy the tokenizer files of this model into the folder. Old formats (tokenizer.model alone) must be converted first.',
      { path: record.path },
    );
  const notes = unusedTensorNotes(record.path, { ...summary, unusedTensors });
  return { ...record, ...summary, hasChatTemplate: await hasChatTemplate(record.path), notes, problem: null };
}

/** As describeFolder, and the tokenizer against the weights, for which all of it is read: an import and the check of a spec do it. */
export async function checkedFolder(record: ModelRecord): Promise<ModelCard> {
  const card = await describeFolder(record);
  const tokenizer = await loadTokenizer(record.path);
  return { ...card, notes: [...card.notes, ...tokenizerNotes(record.path, tokenizer, card.vocabSize)] };
}

/** The card as it was, with the reason why the model cannot be used now. */
export function withProblem(card: ModelCard, thrown: unknown): ModelCard {
  return { ...card, problem: toErrorInfo(thrown) };
}

export const folderName = (path: string) => basename(path.replace(/[\\/]+$/, ''));

async function hasChatTemplate(folder: string): Promise<boolean> {
  if (existsSync(join(folder, 'chat_template.jinja'))) return true;
  const path = join(folder, 'tokenizer_config.json');
  if (!existsSync(path)) return false;
  try {
    const config = JSON.parse(await readFile(path, 'utf8')) as { chat_template?: unknown };
    const template = config.chat_template;
    return (
      (typeof template === 'string' && template !== '') || (Array.isArray(template) && template.length > 0)
    );
  } catch (thrown) {
    if (!(thrown instanceof SyntaxError)) throw thrown;
    throw new CollieError('model.no_tokenizer', `${path} is not JSON.`, 'Download or copy this file again.', {
      path,
    });
  }
}
