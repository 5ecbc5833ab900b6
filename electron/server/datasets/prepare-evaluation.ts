/** The data of a run that only evaluates: its sets, and the held-out rows of the run whose checkpoint it is about, as that run has them. */
import { copyFile, mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { loadTokenizer } from '../tokenize/apart-tokenizer.ts';
import { openDatasetFile } from './file-cache.ts';
import { META_FILE, writeOwnData } from './own-data.ts';
import { type DataMeta, nativeStore } from './prepare.ts';
import { prepareSets, type SetTally } from './prepare-sets.ts';
import { EVAL_ROWS_FILE } from './row-record.ts';
import { newTally, type SplitTally } from './tally.ts';

export interface EvaluationData {
  dataDir: string;
  /** The data folder of the run whose held-out rows are evaluated; null: none are. */
  heldOutOf: string | null;
  signal: AbortSignal;
}

/**
 * Fills `dataDir`. Throws what reading data throws, with the name of the set; dataset.empty for a set of which no row is left; file.not_found where the
 * run's held-out rows are gone.
 */
export async function prepareEvaluation(spec: RunSpec, { dataDir, heldOutOf, signal }: EvaluationData) {
  await mkdir(dataDir, { recursive: true });
  const cache = join(dataDir, 'import');
  const tokenizer = await loadTokenizer(spec.model);
  try {
    const held = heldOutOf === null ? null : await copyHeldOut(heldOutOf, dataDir);
    const open = (reference: string) => openDatasetFile(reference, cache, { signal });
    const sets = await prepareSets({ spec, tokenizer, dataDir, store: nativeStore(), signal, open });
    for (const set of sets) if (set.evaluated === 0) throw empty(set);
    const meta: DataMeta = {
      v: 1,
      tokenizer: tokenizer.hash,
      vocabulary: tokenizer.vocabularyHash,
      template: tokenizer.templateHash,
      train: newTally(),
      eval: held,
      sets,
      warnings: sets.flatMap(({ warnings }) => warnings),
      createdAt: new Date().toISOString(),
    };
    await writeOwnData({ spec, tokenizer, dataDir }, meta);
    return meta;
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

function empty({ name, rows, warnings }: SetTally): CollieError {
  const why = warnings.filter((one) => !one.endsWith('no row is left to evaluate.'));
  return new CollieError(
    'dataset.empty',
    `Evaluation set "${name}": ${rows === 0 ? 'its data has no rows' : `none of its ${rows} rows can be evaluated`}.`,
    why.length > 0
      ? `${why.join(' ')} Raise the sequence length, or choose other data.`
      : 'Choose data with rows.',
    { set: name, rows },
  );
}

/** Tokens and texts as they are: the same rows, whatever became of their file. */
async function copyHeldOut(from: string, to: string): Promise<SplitTally | null> {
  const names = await readdir(from).catch(() => []);
  const own = names.filter((name) => name.startsWith('eval.') || name === EVAL_ROWS_FILE);
  if (own.length === 0)
    throw new CollieError(
      'file.not_found',
      `The run's held-out rows are not in ${from} any more.`,
      'Evaluate named sets only.',
      { path: from },
    );
  for (const name of own) await copyFile(join(from, name), join(to, name));
  const meta = JSON.parse(await readFile(join(from, META_FILE), 'utf8')) as DataMeta;
  return meta.eval;
}
