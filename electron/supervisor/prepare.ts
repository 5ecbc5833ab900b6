/** The first phase of a run: text to token store, before any training process exists. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { loadTokenizer } from '../server/tokenize/tokenizer.ts';
import { runFiles } from '../shared/run-folder.ts';
import type { RunSpec } from '../shared/run-spec.ts';
import type { Decode } from './samples.ts';

export interface PrepareContext {
  signal: AbortSignal;
  progress(fraction: number | null): void;
}

/** Fills data/, or finds it filled by an earlier attempt. Returns one sentence for the log. */
export async function prepareData(runDir: string, _spec: RunSpec, _context: PrepareContext): Promise<string> {
  if (existsSync(join(runDir, runFiles.dataDir, 'meta.json')))
    return 'the data of an earlier attempt is used again';
  throw new Error('not there yet');
}

/** Turns generated ids into text. The tokenizer is loaded when the first sample comes. */
export function sampleDecoder(spec: RunSpec): Decode {
  return async (ids) => (await loadTokenizer(spec.model)).decode(ids);
}
