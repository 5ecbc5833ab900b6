/** What a comparison knows of one run. A folder that is half gone gives what is left of it, with the problem. */
import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CollieError, type ErrorInfo, toErrorInfo } from '../../shared/errors.ts';
import type { RunStatus } from '../../shared/runs/events.ts';
import { changesFileSchema, type MadeChange } from '../../shared/runs/requests.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { META_FILE } from '../datasets/own-data.ts';
import type { DataMeta } from '../datasets/prepare.ts';
import { type Checkpoint, listCheckpoints } from '../runs/checkpoints.ts';
import type { RunRegistry } from '../runs/registry.ts';

/** data/meta.json; runs of earlier versions have no hashes of their tokenizer's parts. */
export type KnownMeta = Omit<DataMeta, 'vocabulary' | 'template'> &
  Partial<Pick<DataMeta, 'vocabulary' | 'template'>>;

export interface RunFacts {
  id: string;
  dir: string;
  status: RunStatus;
  /** null: it cannot be read; `problem` says why. */
  spec: RunSpec | null;
  /** What was changed while it trained, in the order it was made. */
  changes: readonly MadeChange[];
  environment: Record<string, unknown>;
  meta: KnownMeta | null;
  checkpoints: Checkpoint[];
  /** Of the newest checkpoint; null: none yet, or a run that trains the model itself. */
  adapterBytes: number | null;
  problem: ErrorInfo | null;
}

/** `specOf` reads a spec, and may remember it. Throws run.not_found where there is no run any more. */
export function readFacts(runs: RunRegistry, specOf: (id: string) => RunSpec, id: string): RunFacts {
  const dir = runs.dir(id);
  let problem: ErrorInfo | null = null;
  const attempt = <T>(read: () => T, otherwise: T): T => {
    try {
      return read();
    } catch (thrown) {
      problem ??= toErrorInfo(thrown);
      return otherwise;
    }
  };
  const checkpoints = attempt(() => listCheckpoints(dir), []);
  return {
    id,
    dir,
    status: runs.status(id),
    spec: attempt<RunSpec | null>(() => specOf(id), null),
    changes: attempt(() => madeChanges(join(dir, runFiles.changes)), []),
    environment: attempt(
      () => (readJson(join(dir, runFiles.environment)) ?? {}) as Record<string, unknown>,
      {},
    ),
    meta: attempt(() => readJson(join(dir, runFiles.dataDir, META_FILE)) as KnownMeta | null, null),
    checkpoints,
    adapterBytes: adapterBytes(dir, checkpoints.at(-1)),
    // Last: what the readers above found.
    get problem() {
      return problem;
    },
  };
}

function adapterBytes(dir: string, newest: Checkpoint | undefined): number | null {
  if (!newest) return null;
  const path = join(dir, runFiles.checkpointsDir, newest.name, 'adapter.safetensors');
  return statSync(path, { throwIfNoEntry: false })?.size ?? null;
}

function madeChanges(path: string): readonly MadeChange[] {
  const file = readJson(path);
  if (file === null) return [];
  const read = changesFileSchema.safeParse(file);
  if (read.success) return read.data.changes;
  throw new CollieError('file.unreadable', `${path} is no list of changes.`, '', { path });
}

/** null: there is no such file. */
function readJson(path: string): unknown {
  if (!existsSync(path)) return null;
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (thrown) {
    throw new CollieError('file.unreadable', `${path} cannot be read: ${(thrown as Error).message}`, '', {
      path,
    });
  }
}
