/** The checkpoints of a run: which there are, which is the newest, which are the best, and the one that somebody names. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CollieError } from '../../shared/errors.ts';
import { BEST_CHECKPOINT, CHECKPOINT_DONE, checkpointStep, runFiles } from '../../shared/runs/run-folder.ts';
import { folderBytes } from './folder.ts';

export interface Checkpoint {
  name: string;
  step: number;
  sizeBytes: number;
}

/** Its place among the best (1: the best) and the value of `checkpoint.best_by` that gave it. */
export interface BestPlace {
  place: number;
  value: number;
}

export interface RankedCheckpoint extends Checkpoint {
  best: BestPlace | null;
}

const bestFileSchema = z.object({ best: z.array(z.object({ name: z.string(), value: z.number() })) });

/** Complete checkpoints, oldest first. A folder without its DONE is none. */
export function listCheckpoints(runDir: string): Checkpoint[] {
  const root = join(runDir, runFiles.checkpointsDir);
  if (!existsSync(root)) return [];
  const found: Checkpoint[] = [];
  for (const name of readdirSync(root)) {
    const step = checkpointStep(name);
    const folder = join(root, name);
    if (step === null || !existsSync(join(folder, CHECKPOINT_DONE))) continue;
    found.push({ name, step, sizeBytes: folderBytes(folder) });
  }
  return found.sort((left, right) => left.step - right.step);
}

export function newestCheckpoint(runDir: string): Checkpoint | null {
  return listCheckpoints(runDir).at(-1) ?? null;
}

/** Complete checkpoints, oldest first, each with its place among the best where the run keeps those. */
export function rankedCheckpoints(runDir: string): RankedCheckpoint[] {
  const places = bestPlaces(runDir);
  return listCheckpoints(runDir).map((one) => ({ ...one, best: places.get(one.name) ?? null }));
}

/**
 * The name of the checkpoint that is meant by `wanted`: a name, "best" (by `checkpoint.best_by`), or nothing for the newest.
 * Throws checkpoint.not_found, which says what there is.
 */
export function chooseCheckpoint(runDir: string, runId: string, wanted: string): string {
  const all = rankedCheckpoints(runDir);
  const found =
    wanted === ''
      ? all.at(-1)
      : wanted === BEST_CHECKPOINT
        ? all.find(({ best }) => best?.place === 1)
        : all.find(({ name }) => name === wanted);
  if (found) return found.name;
  throw checkpointNotFound(
    runId,
    wanted,
    all.map(({ name }) => name),
  );
}

export function checkpointNotFound(
  runId: string,
  wanted: string,
  present: readonly string[],
  extra = '',
): CollieError {
  const which = wanted === '' ? 'no complete checkpoint yet' : `no complete checkpoint ${wanted}`;
  const what = wanted === BEST_CHECKPOINT ? 'no checkpoint that is the best by a metric' : which;
  const hint =
    present.length > 0 ? `It has ${present.join(', ')}.` : 'Save one with "Save now", or wait for the next.';
  const why = wanted === BEST_CHECKPOINT ? 'Set checkpoint.best_by, and the best are kept. ' : '';
  return new CollieError('checkpoint.not_found', `The run ${runId} has ${what}${extra}.`, why + hint, {
    runId,
    checkpoint: wanted,
    present,
  });
}

/** A run without `checkpoint.best_by` has no such file; one that cannot be read only takes the marks away. */
function bestPlaces(runDir: string): Map<string, BestPlace> {
  try {
    const path = join(runDir, runFiles.bestCheckpoints);
    const { best } = bestFileSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
    return new Map(best.map(({ name, value }, i) => [name, { place: i + 1, value }]));
  } catch {
    return new Map();
  }
}
