/** Whether a run that failed is worth another try from its last checkpoint without asking. */
import type { CollieError, ErrorCode } from '../shared/errors.ts';
import type { RunStatus } from '../shared/events.ts';

/** What may go well the next time. Values that are not finite, a full disk or a bad spec would only come again. */
const TRANSIENT: readonly ErrorCode[] = ['rank.died', 'rank.hung'];

export const mayRestart = (failure: CollieError | null, restarts: number, most: number): boolean =>
  failure !== null && restarts < most && TRANSIENT.includes(failure.code);

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
