/** Whether a run that failed is worth another try from its last checkpoint without asking, and what to do when it is not. */
import { existsSync, renameSync } from 'node:fs';
import { basename, join } from 'node:path';
import { type Checkpoint, listCheckpoints, newestCheckpoint } from '../server/runs/checkpoints.ts';
import type { StartMode } from '../server/runs/launch.ts';
import { CollieError, type ErrorCode } from '../shared/errors.ts';
import type { RunStatus } from '../shared/runs/events.ts';
import { runFiles } from '../shared/runs/run-folder.ts';
import type { Log } from './log.ts';

/** What may go well the next time. Values that are not finite, a full disk or a bad spec would only come again. */
const TRANSIENT: readonly ErrorCode[] = ['rank.died', 'rank.hung'];
/** So many attempts in a row that saved nothing new: what ends them comes again at the same place. */
const MOST_FRUITLESS = 2;

export interface History {
  /** Restarts up to now, and `recovery.max_restarts`. */
  restarts: number;
  most: number;
  /** Attempts in a row, up to this one, that saved no checkpoint beyond the one they started from. */
  fruitless: number;
}

/** Why a run is not started again after `failure`; null when it is. Empty when nobody asked for restarts. */
export function refusalOf({ code }: CollieError, { restarts, most, fruitless }: History): string | null {
  if (most === 0) return '';
  if (!TRANSIENT.includes(code)) return `a restart would meet ${code} again`;
  if (restarts >= most) return `recovery.max_restarts is used up (${most})`;
  if (fruitless < MOST_FRUITLESS) return null;
  return `${fruitless} attempts in a row ended before they saved a new checkpoint`;
}

/** Throws run.not_found once the folder was deleted or moved by hand: nothing of what the ranks do has a place any more. */
export function requireFolder(runDir: string): void {
  if (existsSync(join(runDir, runFiles.spec))) return;
  const message = `The run folder ${runDir} was deleted or moved while the run was going.`;
  throw new CollieError('run.not_found', message, '', { path: runDir });
}

/** The failure that the run ends with, which says why it is not tried again. */
export const unrecovered = ({ code, message, hint, data }: CollieError, refusal: string): CollieError =>
  new CollieError(
    code,
    message,
    refusal === '' ? hint : `It was not started again by itself: ${refusal}. ${hint}`,
    data,
  );

/** A resume takes the newest checkpoint: of one that cannot be read, what to do to go on from the one before. */
export function besideCheckpoint(
  failure: CollieError,
  runDir: string,
  resumedFrom: string | null,
  all: readonly Pick<Checkpoint, 'name'>[],
): CollieError {
  const { code, message, hint, data } = failure;
  if (resumedFrom === null) return failure;
  const folder = join(runDir, runFiles.checkpointsDir, resumedFrom);
  const unreadable = typeof data.path === 'string' && data.path.startsWith(folder);
  if (!code.startsWith('checkpoint.') && !unreadable) return failure;
  const before = all.findLast(({ name }) => name < resumedFrom)?.name ?? 'step 0';
  const older = before === 'step 0' ? null : before;
  const way = older
    ? `The one before it is ${older}: resume from there (\`collie run --resume ${basename(runDir)} --checkpoint ${older}\`).`
    : `There is none before it: start a new run from these settings, or remove ${folder} to begin at step 0.`;
  return new CollieError(code, message, `${hint} ${way}`.trim(), { ...data, older });
}

/** The checkpoint that an attempt goes on from; null: step 0. */
export function startingPoint(runDir: string, mode: StartMode, log: Log): string | null {
  if (mode === 'start') return null;
  if (mode !== 'resume') setAside(runDir, mode.slice('resume:'.length), log);
  return newestCheckpoint(runDir)?.name ?? null;
}

/** Of a run that goes on from an older checkpoint: the newer ones belong to a course that is left. They keep their files under `left-`. */
function setAside(runDir: string, checkpoint: string, log: Log): void {
  const root = join(runDir, runFiles.checkpointsDir);
  for (const { name } of listCheckpoints(runDir)) {
    if (name <= checkpoint) continue;
    const free = freeName(join(root, `left-${name}`));
    renameSync(join(root, name), free);
    log(`going on from ${checkpoint}: ${name} is now ${basename(free)}`);
  }
}

function freeName(path: string): string {
  let free = path;
  for (let suffix = 2; existsSync(free); suffix += 1) free = `${path}-${suffix}`;
  return free;
}

/** The status when it is tried again: `failure` ended the attempt before, `checkpoint` (null: step 0) is where it goes on. */
export const restarted = (
  { restarts, attempt }: RunStatus,
  failure: CollieError,
  checkpoint: string | null,
): Partial<RunStatus> => ({
  state: 'starting',
  phase: 'Starting again',
  phaseProgress: null,
  etaSeconds: null,
  attempt: attempt + 1,
  restarts: [...restarts, { at: new Date().toISOString(), error: failure.toInfo(), checkpoint }],
});
