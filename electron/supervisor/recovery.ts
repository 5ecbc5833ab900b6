/** Whether a run that failed is worth another try from its last checkpoint without asking, and what to do when it is not. */
import { join } from 'node:path';
import type { Checkpoint } from '../server/runs/folder.ts';
import { CollieError, type ErrorCode } from '../shared/errors.ts';
import type { RunStatus } from '../shared/runs/events.ts';
import { runFiles } from '../shared/runs/run-folder.ts';

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
  const way = `A resume takes the newest checkpoint: remove ${folder} to go on from ${before}.`;
  return new CollieError(code, message, `${hint} ${way}`.trim(), data);
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
