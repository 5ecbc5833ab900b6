/** status.json of a live run: what the events say, written at most four times a second. */
import { join } from 'node:path';
import { writeJsonAtomic, writeJsonInPlace } from '../server/runs/folder.ts';
import { type ErrorInfo, toErrorInfo } from '../shared/errors.ts';
import { DEFAULT_SET } from '../shared/runs/event-line.ts';
import { PAUSED, type RunEvent, type RunStatus } from '../shared/runs/events.ts';
import { runFiles } from '../shared/runs/run-folder.ts';
import type { Clock } from './step-clock.ts';

const WRITE_EVERY_MS = 250;

/** What the phases of the rank are called in the window. */
const phaseTitles: Record<string, string> = {
  loading_model: 'Loading model',
  allocating: 'Allocating memory',
  training: 'Training',
  evaluating: 'Evaluating',
  saving: 'Saving checkpoint',
  sampling: 'Answering samples',
  answering: 'Answering a question',
  paused: PAUSED,
  finishing: 'Finishing',
};

/** Before these are over, a run is starting. */
const startPhases = ['loading_model', 'allocating'];

/** The status after an event. Pure; `etaSeconds` comes from the clock, which has seen the event. */
export function applyEvent(status: RunStatus, event: RunEvent, clock: Clock): RunStatus {
  clock.see(event);
  switch (event.type) {
    case 'started': {
      const { total_steps, resumed_from_step } = event.payload;
      return { ...status, totalSteps: total_steps, step: resumed_from_step };
    }
    case 'phase': {
      const phase = phaseTitles[event.payload.name] ?? event.payload.name;
      const begun = status.state === 'starting' && !startPhases.includes(event.payload.name);
      const state = begun ? 'running' : status.state;
      const etaSeconds = clock.phaseSecondsLeft() ?? status.etaSeconds;
      return { ...status, state, phase, phaseProgress: event.payload.progress, etaSeconds };
    }
    case 'step': {
      const { loss, tokens_per_second } = event.payload.metrics;
      const state = status.state === 'starting' ? 'running' : status.state;
      const progress = status.totalSteps ? event.step / status.totalSteps : null;
      const etaSeconds = clock.secondsLeft(status.totalSteps);
      return {
        ...status,
        state,
        phase: state === 'stopping' ? status.phase : 'Training',
        phaseProgress: progress,
        step: event.step,
        lastLoss: loss ?? null,
        tokensPerSecond: tokens_per_second ?? null,
        etaSeconds,
      };
    }
    case 'eval':
      if (event.payload.set !== DEFAULT_SET) return status;
      return { ...status, lastEvalLoss: event.payload.metrics.loss ?? null };
    case 'changed':
      return { ...status, totalSteps: event.payload.total_steps };
    case 'checkpoint':
      return { ...status, checkpoint: event.payload.name };
    default:
      return status;
  }
}

/** When a supervisor takes the run over: what the attempts before left is gone. */
export const firstStatus = ({ attempt, startedAt }: RunStatus): Partial<RunStatus> => ({
  state: 'preparing',
  phase: 'Starting',
  phaseProgress: null,
  etaSeconds: null,
  attempt: attempt + 1,
  startedAt: startedAt ?? new Date().toISOString(),
  finishedAt: null,
  error: null,
  ranks: [],
  restarts: [],
  callbacks: [],
  supervisorPid: process.pid,
});

/** How a run has ended. `reason` counts without an error. */
export function lastStatus(
  error: ErrorInfo | null,
  reason: 'completed' | 'stopped',
  checkpoint: string | null,
): Partial<RunStatus> {
  const state = error ? 'failed' : reason;
  return {
    state,
    phase: { failed: 'Failed', completed: 'Completed', stopped: 'Stopped' }[state],
    phaseProgress: state === 'completed' ? 1 : null,
    etaSeconds: null,
    tokensPerSecond: null,
    finishedAt: new Date().toISOString(),
    checkpoint,
    error,
    supervisorPid: null,
  };
}

/** Keeps status.json up to date. Readers see whole files only. */
export class StatusFile {
  readonly #path: string;
  #status: RunStatus;
  #timer: NodeJS.Timeout | null = null;
  #writtenAt = Number.NEGATIVE_INFINITY;
  readonly #onProblem: (message: string) => void;

  /** `onProblem` hears of failed writes: a full disk must not end a run that could go on. */
  constructor(runDir: string, status: RunStatus, onProblem: (message: string) => void) {
    this.#path = join(runDir, runFiles.status);
    this.#status = status;
    this.#onProblem = onProblem;
  }

  get value(): RunStatus {
    return this.#status;
  }

  /** Writes soon. */
  update(change: Partial<RunStatus>): void {
    this.#status = { ...this.#status, ...change, updatedAt: new Date().toISOString() };
    if (this.#timer) return;
    const wait = Math.max(0, this.#writtenAt + WRITE_EVERY_MS - performance.now());
    this.#timer = setTimeout(() => this.flush(), wait);
  }

  /** Writes now. */
  flush(): void {
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    this.#writtenAt = performance.now();
    try {
      writeJsonAtomic(this.#path, this.#status);
    } catch (thrown) {
      this.#onProblem(`status.json: ${toErrorInfo(thrown).message}`);
      this.#writeInPlace();
    }
  }

  #writeInPlace(): void {
    try {
      writeJsonInPlace(this.#path, this.#status);
    } catch (thrown) {
      this.#onProblem(`status.json, in place: ${toErrorInfo(thrown).message}`);
    }
  }
}
