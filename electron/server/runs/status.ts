/** What a run's files say about it now. Status files outlive their writers, so liveness is checked each time. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import { liveStates, type RunStatus } from '../../shared/runs/events.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import { newestCheckpoint } from './checkpoints.ts';
import { readRange, readStatus, readSupervisorFile } from './folder.ts';
import { isAlive } from './process.ts';
import { rebuiltStatus } from './rebuild.ts';

/** A new run whose supervisor has not signed in yet counts as live for this long. */
const LAUNCH_GRACE_MS = 60_000;
const TAIL_BYTES = 16 * 1024;

/** True while a training process of this folder runs, even one whose supervisor is gone (it is saving its work). */
export function rankAlive(runDir: string): boolean {
  const rank = readSupervisorFile(runDir)?.rank ?? null;
  return rank !== null && isAlive(rank);
}

export const isLive = (status: RunStatus): boolean => liveStates.includes(status.state);

/**
 * The status as users should see it: a run that says it lives, but has no supervisor, has failed. Throws run.not_found without a run.
 */
export function currentStatus(runDir: string, id: string): RunStatus {
  const status = savedStatus(runDir, id);
  if (!isLive(status)) return status;
  const owner = readSupervisorFile(runDir)?.supervisor ?? null;
  if (owner && isAlive(owner)) {
    // A new supervisor has signed in, the status is still that of one that died.
    const stale = status.supervisorPid !== null && status.supervisorPid !== owner.pid;
    return stale ? { ...status, state: 'preparing', phase: 'Starting', supervisorPid: owner.pid } : status;
  }
  // It writes its last status before it signs out: what was read before that look is not what it said in the end.
  const last = savedStatus(runDir, id);
  if (!isLive(last)) return last;
  return last.supervisorPid === null && isBeingStarted(last) ? last : orphaned(runDir, last);
}

/** The status file; made anew from the other files of the run when it cannot be read. Throws run.not_found without a run. */
export function savedStatus(runDir: string, id: string): RunStatus {
  try {
    return readStatus(runDir);
  } catch (thrown) {
    if (!existsSync(join(runDir, runFiles.spec))) throw thrown;
    return rebuiltStatus(runDir, id);
  }
}

/** A clock that was set back makes what was written a moment ago look like tomorrow. */
function isBeingStarted({ updatedAt }: RunStatus): boolean {
  return Math.abs(Date.now() - Date.parse(updatedAt)) < LAUNCH_GRACE_MS;
}

function orphaned(runDir: string, status: RunStatus): RunStatus {
  const checkpoint = newestCheckpoint(runDir)?.name ?? null;
  const saving = rankAlive(runDir) ? ' Its training process is saving a checkpoint and will end.' : '';
  const error = new CollieError(
    'rank.died',
    `The supervisor of this run ended unexpectedly in phase "${status.phase}".${saving}`,
    resumeHint(checkpoint),
    { pid: status.supervisorPid, log: lastLines(join(runDir, runFiles.supervisorLog), 5) },
  );
  return {
    ...status,
    state: 'failed',
    phase: 'Failed',
    phaseProgress: null,
    etaSeconds: null,
    checkpoint,
    finishedAt: status.updatedAt,
    error: error.toInfo(),
    supervisorPid: null,
    ranks: status.ranks.map((rank) => ({ ...rank, state: 'ended' })),
  };
}

/** The next step after a failure. */
export function resumeHint(checkpoint: string | null): string {
  return checkpoint
    ? `Resume the run: it goes on from checkpoint ${checkpoint}.`
    : 'There is no checkpoint yet: resuming starts again at step 0.';
}

/** The last lines of a text file, for error messages; empty when there is none. */
export function lastLines(path: string, count: number): string {
  if (!existsSync(path)) return '';
  const { size } = statSync(path);
  return readRange(path, Math.max(0, size - TAIL_BYTES), size)
    .toString('utf8')
    .trimEnd()
    .split('\n')
    .slice(-count)
    .join('\n');
}
