/** The first phase of a run: text to token store, before any training process exists. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { META_FILE, prepareDataset } from '../server/datasets/prepare.ts';
import { loadTokenizer } from '../server/tokenize/tokenizer.ts';
import { runFiles } from '../shared/run-folder.ts';
import type { RunSpec } from '../shared/run-spec.ts';
import type { Decode } from './samples.ts';

export interface PrepareContext {
  signal: AbortSignal;
  progress(fraction: number): void;
}

/** Fills data/, or finds it filled by an earlier attempt: the spec never changes. Returns lines for the log. */
export async function prepareData(runDir: string, spec: RunSpec, context: PrepareContext): Promise<string[]> {
  const dataDir = join(runDir, runFiles.dataDir);
  // Written last: with it, everything else is there.
  if (existsSync(join(dataDir, META_FILE))) return ['the data of an earlier attempt is used again'];
  const { signal, progress } = context;
  const meta = await prepareDataset(spec, spec.model, dataDir, progress, signal);
  const { documents, tokens, trainedTokens } = meta.train;
  const held = meta.eval ? `, ${meta.eval.documents} held out` : '';
  const summary = `${documents} rows to train on: ${tokens} tokens, ${trainedTokens} of them answers${held}`;
  return [summary, ...meta.warnings.map((warning) => `warning: ${warning}`)];
}

/** Turns generated ids into text. The tokenizer is loaded when the first sample comes. */
export function sampleDecoder(spec: RunSpec): Decode {
  return async (ids) => (await loadTokenizer(spec.model)).decode(ids);
}
