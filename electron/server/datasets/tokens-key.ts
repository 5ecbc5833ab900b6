/** Everything that the tokens of a run depend on, as one hash: runs with the same key have the same tokens, byte for byte. */
import { createHash } from 'node:crypto';
import { stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { productVersion } from '../host/system.ts';
import type { ChatTokenizer } from '../tokenize/chat-tokenizer.ts';
import type { FileHashes } from './file-hashes.ts';
import { readCard } from './folder.ts';
import { ROWS_FILE } from './import.ts';
import { SPLIT_SEED } from './split.ts';

/** Raised with every change of what is written for the same rows. */
const VERSION = 1;

export async function tokensKey(
  spec: RunSpec,
  tokenizer: Pick<ChatTokenizer, 'hash' | 'vocabularyHash' | 'templateHash' | 'stopIds' | 'firstWithoutRow'>,
  hashes: FileHashes,
): Promise<string> {
  const { train, eval: held, ...format } = spec.dataset;
  const { hash, vocabularyHash, templateHash, stopIds, firstWithoutRow } = tokenizer;
  const sets = [];
  for (const set of spec.evaluation.sets) sets.push({ ...set, data: await contentOf(set.data, hashes) });
  const parts = {
    made: [VERSION, productVersion(), SPLIT_SEED],
    data: [await contentOf(train, hashes), held === null ? null : await contentOf(held, hashes)],
    // Mapping, system prompt, what is held out, and what becomes of rows that are too long or of no use.
    ...{ format, sets, seqLen: spec.batch.seq_len, evaluated: spec.evaluation.max_rows },
    tokenizer: [hash, vocabularyHash, templateHash, stopIds, firstWithoutRow],
  };
  return createHash('sha256')
    .update(JSON.stringify(sorted(parts)))
    .digest('hex')
    .slice(0, 40);
}

/** A file by its content and by its name, which decides how it is read and stands in warnings; a dataset of the library also by its card. */
async function contentOf(reference: string, hashes: FileHashes): Promise<unknown> {
  const info = await stat(reference).catch(() => null);
  if (info === null) return ['missing', reference];
  const rows = info.isFile() ? basename(reference) === ROWS_FILE : true;
  const folder = info.isFile() ? dirname(reference) : reference;
  const card = rows ? await readCard(folder) : null;
  if (card === null)
    return info.isFile() ? [await hashes.of(reference), basename(reference)] : ['missing', reference];
  const { name, notes, columns } = card;
  return [await hashes.of(join(folder, ROWS_FILE)), { name, notes, columns }];
}

/** With the keys of objects in order: how a spec was written makes no difference. */
function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, one]) => [key, sorted(one)]));
}
