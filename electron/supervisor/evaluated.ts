/** Whose weights a run evaluates that trains nothing. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { checkpointNotFound, listCheckpoints } from '../server/runs/checkpoints.ts';
import { CollieError } from '../shared/errors.ts';
import type { Evaluates } from '../shared/runs/evaluates.ts';
import { runFiles } from '../shared/runs/run-folder.ts';
import type { RunSpec } from '../shared/spec/run-spec.ts';

/** The folder of the run that made them, beside this one; null: a base model. Throws run.not_found once it was removed. */
export function sourceFolder(runDir: string, { of }: Evaluates): string | null {
  if (of === null) return null;
  const folder = join(dirname(runDir), of.run);
  if (existsSync(join(folder, runFiles.spec))) return folder;
  throw new CollieError(
    'run.not_found',
    `The run ${of.run}, whose checkpoint ${of.checkpoint} is to be evaluated, was removed.`,
    'Evaluate a checkpoint of a run that is there.',
    { run: of.run },
  );
}

/** Throws model.not_found, run.not_found and checkpoint.not_found before a process is started. */
export function requireWeights(runDir: string, evaluates: Evaluates, spec: RunSpec): void {
  if (!existsSync(join(spec.model, 'config.json')))
    throw new CollieError(
      'model.not_found',
      `The model ${spec.model} was removed or moved.`,
      'Import it again, and start the evaluation anew.',
      { path: spec.model },
    );
  const folder = sourceFolder(runDir, evaluates);
  if (folder === null || evaluates.of === null) return;
  const { run, checkpoint } = evaluates.of;
  const all = listCheckpoints(folder).map(({ name }) => name);
  if (all.includes(checkpoint)) return;
  throw checkpointNotFound(run, checkpoint, all, ' any more');
}

/** What `collie-rank` is asked for. */
export function evaluateArguments(runDir: string, evaluates: Evaluates): string[] {
  const folder = sourceFolder(runDir, evaluates);
  const of =
    folder === null || evaluates.of === null ? [] : ['--of', folder, '--checkpoint', evaluates.of.checkpoint];
  return ['evaluate', '--run', runDir, ...of];
}

export const trainsNothing = (command: string): CollieError =>
  new CollieError(
    'request.invalid',
    `This run only evaluates: it cannot ${command}.`,
    'Stop it, or wait for its end.',
    { command },
  );
