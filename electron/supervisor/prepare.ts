/**
 * The first phase of a run: text to token store, before any training process exists. The database and the tokenizer are
 * loaded when they are needed only: a supervisor lives as long as its run, and its memory is the run's.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Evaluates } from '../shared/runs/evaluates.ts';
import { runFiles } from '../shared/runs/run-folder.ts';
import type { RunSpec } from '../shared/spec/run-spec.ts';
import { sourceFolder } from './evaluated.ts';
import type { Decode } from './samples.ts';

export interface PrepareContext {
  signal: AbortSignal;
  progress(fraction: number): void;
}

/** Fills data/, or finds it filled by an earlier attempt: the spec never changes. Returns lines for the log. */
export async function prepareData(runDir: string, spec: RunSpec, context: PrepareContext): Promise<string[]> {
  const dataDir = join(runDir, runFiles.dataDir);
  // Written last: with it, everything else is there.
  if (existsSync(join(dataDir, 'meta.json'))) return ['the data of an earlier attempt is used again'];
  const { signal, progress } = context;
  const { prepareSharedData } = await import('../server/datasets/shared-data.ts');
  const { meta, of, damage } = await prepareSharedData(runDir, spec, { onProgress: progress, signal });
  const { documents, tokens, trainedTokens } = meta.train;
  const held = meta.eval ? `, ${meta.eval.documents} held out` : '';
  const summary = `${documents} rows to train on: ${tokens} tokens, ${trainedTokens} of them answers${held}`;
  const shared = [
    ...(damage === null ? [] : [`shared tokens were damaged (${damage}) and are made again`]),
    ...(of === null
      ? []
      : [`the tokens of run ${of} are used: the same data, mapping, tokenizer and lengths`]),
  ];
  return [...shared, summary, ...meta.warnings.map((warning) => `warning: ${warning}`)];
}

/** The same for a run that only evaluates. */
export async function prepareToEvaluate(
  runDir: string,
  spec: RunSpec,
  evaluates: Evaluates,
  { signal }: PrepareContext,
): Promise<string[]> {
  const dataDir = join(runDir, runFiles.dataDir);
  if (existsSync(join(dataDir, 'meta.json'))) return ['the data of an earlier attempt is used again'];
  const { prepareEvaluation } = await import('../server/datasets/prepare-evaluation.ts');
  const source = sourceFolder(runDir, evaluates);
  const heldOutOf = evaluates.held_out && source !== null ? join(source, runFiles.dataDir) : null;
  const { sets = [], warnings } = await prepareEvaluation(spec, { dataDir, heldOutOf, signal });
  const lines = sets.map(
    ({ name, evaluated, rows }) => `evaluation set "${name}": ${evaluated} of ${rows} rows`,
  );
  return [...lines, ...warnings.map((warning) => `warning: ${warning}`)];
}

/** Turns generated ids into text. The tokenizer is loaded when the first sample comes. */
export function sampleDecoder(spec: RunSpec): Decode {
  return async (ids) => {
    const { loadTokenizer } = await import('../server/tokenize/apart-tokenizer.ts');
    return (await loadTokenizer(spec.model)).decode(ids);
  };
}
