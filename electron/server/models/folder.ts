/** Checking a model folder in Hugging Face layout, and describing it as a card. */
import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { ModelCard } from '../../shared/api/entities.ts';
import { CollieError, toErrorInfo } from '../../shared/errors.ts';
import { native } from '../native/addon.ts';
import { loadTokenizer } from '../tokenize/apart-tokenizer.ts';
import { templateOf } from '../tokenize/files.ts';
import { refuseStandIns, tokenizerNotes, unusedTensorNotes } from './fit.ts';
import { tokenizerSource } from './folder-tokenizer.ts';

/** What the library remembers of a model beside what its files say. */
export interface ModelRecord {
  id: string;
  name: string;
  path: string;
  origin: ModelCard['origin'];
  source: string;
  importedAt: string;
  /** Files that the library made or changed, beside links to those of `source`. None for a folder that is used in place. */
  made: string[];
}

/** Reads and checks the folder: config, headers of all weights, tokenizer. Throws what is wrong. */
export async function describeFolder(record: ModelRecord): Promise<ModelCard> {
  await refuseStandIns(record.path);
  const { unusedTensors, ...summary } = await native((addon) => addon.modelSummary(record.path));
  if (!existsSync(join(record.path, 'tokenizer.json')))
    throw new CollieError(
      'model.no_tokenizer',
      `${record.path} has no tokenizer.json.`,
      tokenizerSource(record.path) === null
        ? 'Copy the tokenizer files of this model into the folder.'
        : 'Run `collie models import` with it, or import it on the page Models: tokenizer.json is made from what the folder has. Then choose it from the library.',
      { path: record.path },
    );
  const notes = unusedTensorNotes(record.path, { ...summary, unusedTensors });
  return {
    ...record,
    ...summary,
    hasChatTemplate: (await templateOf(record.path)) !== null,
    notes,
    problem: null,
  };
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
