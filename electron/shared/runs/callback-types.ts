/**
 * Types for authors of callbacks (docs/callbacks.md): a file named in the spec whose default export is a `Callback`. It runs in a process of its own
 * beside the run. `collie callbacks new` puts a copy of this file beside yours, for `import type { Callback } from './collie-callbacks'`.
 */

/** What all handlers are told about the run. */
export interface RunInfo {
  readonly id: string;
  readonly name: string;
  /** The run's folder (docs/run-folder.md). Read what you like in it; write only into the working directory, which is yours and lies inside. */
  readonly folder: string;
  /** The resolved settings, as in spec.json. */
  readonly spec: Readonly<Record<string, unknown>>;
}

/** The run starts, or goes on: also after it was resumed, or started again by itself. */
export interface StartEvent {
  readonly attempt: number;
  /** 0 for a fresh start; whatever was told about later steps is void. */
  readonly resumedFromStep: number;
  readonly totalSteps: number;
  readonly trainRows: number;
  readonly evaluationRows: number;
  readonly trainableParams: number;
  readonly totalParams: number;
  readonly device: string;
}

/** Metrics by name; null is a value that was not finite. */
export type Metrics = Readonly<Record<string, number | null>>;

export interface StepEvent {
  /** Optimizer steps that are done. */
  readonly step: number;
  readonly metrics: Metrics;
  /** Steps before this one that you were not told of, as you were busy. */
  readonly missed: number;
}

export interface EvaluationEvent {
  readonly step: number;
  /** `eval`: the held-out rows or the evaluation data; else the name of an evaluation set. */
  readonly set: string;
  readonly metrics: Metrics;
}

export interface SampleEvent {
  readonly step: number;
  readonly promptIndex: number;
  readonly prompt: string;
  readonly text: string;
  readonly finish: 'stop' | 'length';
}

export interface CheckpointEvent {
  readonly step: number;
  readonly name: string;
  readonly folder: string;
  readonly bytes: number;
}

export interface EndEvent {
  readonly state: 'completed' | 'stopped' | 'failed';
  /** Of a run that failed. */
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** What a callback can do. All of it returns at once; what is asked for is done after the current step, as with the buttons of the monitor. */
export interface Run extends RunInfo {
  /**
   * Numbers that become metrics of the run at the step of the event: drawn, compared and exported under `<name of your file>/<name>`. Names of letters, digits and
   * `_ . / -`, at most 64 long, at most 32 of them. A value that is not finite, a name that is none and a name too many are left out; your log says so once.
   */
  log(metrics: Readonly<Record<string, number>>): void;
  save(): void;
  sample(): void;
  evaluate(): void;
  /** Saves a checkpoint and ends the run; `reason` is shown as its last phase. */
  stop(reason?: string): void;
}

type Handler<Event> = (event: Event, run: Run) => void | Promise<void>;

/**
 * Every handler may be left out. One is called at a time, and the next waits until what it returns is settled: of steps that happen meanwhile only the newest is told.
 * A handler that throws, or takes longer than `limitSeconds`, ends the callback, never the run.
 */
export interface Callback {
  /** Most time for one handler; 60 when left out, at most 600. */
  readonly limitSeconds?: number;
  onStart?: Handler<StartEvent>;
  onStep?: Handler<StepEvent>;
  onEvaluation?: Handler<EvaluationEvent>;
  onSample?: Handler<SampleEvent>;
  onCheckpoint?: Handler<CheckpointEvent>;
  /** The training is over. All that is left of the callback's work gets 15 seconds. */
  onEnd?: Handler<EndEvent>;
}
