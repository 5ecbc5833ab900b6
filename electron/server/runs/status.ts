/** What a run's files say about it now. Status files outlive their writers, so liveness is checked each time. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CollieError, type ErrorInfo, toErrorInfo } from '../../shared/errors.ts';
import { liveStates, type RunStatus } from '../../shared/runs/events.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import { newestCheckpoint, readRange, readStatus, readSupervisorFile } from './folder.ts';
import { isAlive } from './process.ts';

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
 * The status as users should see it: a run that says it lives, but has no supervisor, has failed. An unreadable status
 * is shown as a failed run too, so that one bad file hides nothing. Throws run.not_found without a run.
 */
export function currentStatus(runDir: string, id: string): RunStatus {
  let status: RunStatus;
  try {
    status = readStatus(runDir);
  } catch (thrown) {
    if (!existsSync(join(runDir, runFiles.spec))) throw thrown;
    return unreadable(runDir, id, toErrorInfo(thrown));
  }
  if (!isLive(status)) return status;
  const owner = readSupervisorFile(runDir)?.supervisor ?? null;
  if (owner && isAlive(owner)) {
    // A new supervisor has signed in, the status is still that of one that died.
    const stale = status.supervisorPid !== null && status.supervisorPid !== owner.pid;
    return stale ? { ...status, state: 'preparing', phase: 'Starting', supervisorPid: owner.pid } : status;
  }
  const launching =
    status.supervisorPid === null && Date.now() - Date.parse(status.updatedAt) < LAUNCH_GRACE_MS;
  return launching ? status : orphaned(runDir, status);
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

function unreadable(runDir: string, id: string, error: ErrorInfo): RunStatus {
  const changed = statSync(join(runDir, runFiles.spec)).mtime.toISOString();
  return {
    v: 1,
    id,
    name: id,
    state: 'failed',
    phase: 'Failed',
    phaseProgress: null,
    step: 0,
    totalSteps: null,
    etaSeconds: null,
    attempt: 0,
    createdAt: changed,
    startedAt: null,
    finishedAt: changed,
    updatedAt: changed,
    lastLoss: null,
    lastEvalLoss: null,
    tokensPerSecond: null,
    checkpoint: newestCheckpoint(runDir)?.name ?? null,
    error,
    supervisorPid: null,
    ranks: [],
    restarts: [],
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
