/**
 * What charts are drawn from: the events of one run, reduced to columns. A pure function of the event stream, so that
 * a live run and one reopened a month later give the same picture.
 */
import type { ErrorInfo } from '../../../electron/shared/errors.ts';
import {
  EVENTS_VERSION,
  type EventPayload,
  eventPayloads,
  type RunEvent,
} from '../../../electron/shared/runs/events.ts';
import { countUpTo, Table } from './table.ts';

const stepColumns = [
  'step',
  'tokens',
  'seconds',
  'loss',
  'learning_rate',
  'grad_norm',
  'epoch',
  'step_seconds',
  'tokens_per_second',
  'memory_bytes',
  'memory_peak_bytes',
  'curvature_seconds',
] as const;
/**
 * `tokens` counts real tokens since the start, `seconds` is time spent running (pauses between attempts left out),
 * `curvature_seconds` is NaN in steps without such an estimate.
 */
export type StepColumn = (typeof stepColumns)[number];

const evalColumns = ['step', 'tokens', 'seconds', 'loss', 'perplexity', 'token_accuracy'] as const;
export type EvalColumn = (typeof evalColumns)[number];

export interface CheckpointPoint {
  name: string;
  step: number;
  bytes: number;
  timeUs: number;
}
export interface PhasePoint {
  name: string;
  progress: number | null;
  step: number;
  timeUs: number;
}
/** Ranks of AdaLoRA's modules after an allocation. */
export type RankPoint = EventPayload<'ranks'> & { step: number; tokens: number; seconds: number };
export type Attempt = EventPayload<'started'> & { timeUs: number };

export interface RunSeries {
  /** Highest `seq` taken in; where a new subscription goes on. */
  lastSeq: number;
  steps: Table<StepColumn>;
  evals: Table<EvalColumn>;
  /** By step, one for each allocation. */
  ranks: readonly RankPoint[];
  checkpoints: readonly CheckpointPoint[];
  /** Generations made so far; their text comes with `runs.get`. */
  samples: readonly { step: number; promptIndex: number }[];
  phases: readonly PhasePoint[];
  attempts: readonly Attempt[];
  warnings: readonly { message: string; step: number; timeUs: number }[];
  error: ErrorInfo | null;
  finished: (EventPayload<'finished'> & { timeUs: number }) | null;
  /** Running time of all attempts before this one, in seconds. */
  attemptBaseSeconds: number;
  lastTimeUs: number;
}

const MAX_PHASES = 200;
const MAX_WARNINGS = 500;

export const emptySeries: RunSeries = {
  lastSeq: -1,
  steps: Table.empty(stepColumns),
  evals: Table.empty(evalColumns),
  ranks: [],
  checkpoints: [],
  samples: [],
  phases: [],
  attempts: [],
  warnings: [],
  error: null,
  finished: null,
  attemptBaseSeconds: 0,
  lastTimeUs: 0,
};

/**
 * Takes in a batch. Anything that is no event, comes from another rank than 0 or was seen before (`seq`) is skipped.
 * A `started` with `resumed_from_step` k voids everything measured beyond step k.
 */
export function reduceEvents(series: RunSeries, batch: readonly unknown[]): RunSeries {
  const draft = new Draft(series);
  for (const value of batch) {
    if (isRunEvent(value) && value.rank === 0 && value.seq > draft.series.lastSeq) draft.take(value);
  }
  return draft.close();
}

function isRunEvent(value: unknown): value is RunEvent {
  if (typeof value !== 'object' || value === null) return false;
  const event = value as Record<string, unknown>;
  return (
    event.v === EVENTS_VERSION &&
    Number.isInteger(event.rank) &&
    Number.isInteger(event.seq) &&
    typeof event.timeUs === 'number' &&
    Number.isInteger(event.step) &&
    typeof event.type === 'string' &&
    Object.hasOwn(eventPayloads, event.type) &&
    typeof event.payload === 'object' &&
    event.payload !== null
  );
}

/** A number to plot; NaN leaves a gap in the line. */
const plain = (value: unknown) => (typeof value === 'number' ? value : Number.NaN);

/** One batch being taken in. Step rows are collected and appended together, because a Table append costs an object. */
class Draft {
  series: RunSeries;
  #pending: Record<StepColumn, number>[] = [];
  readonly #before: RunSeries;

  constructor(series: RunSeries) {
    this.#before = series;
    this.series = series;
  }

  close(): RunSeries {
    this.#flush();
    return this.series;
  }

  take(event: RunEvent): void {
    if (this.series === this.#before) this.series = { ...this.series };
    const s = this.series;
    s.lastSeq = event.seq;
    s.lastTimeUs = Math.max(s.lastTimeUs, event.timeUs);
    switch (event.type) {
      case 'started':
        this.#started(event.payload, event.timeUs);
        return;
      case 'step':
        this.#step(event.step, event.timeUs, event.payload);
        return;
      case 'eval':
        this.#eval(event.step, event.timeUs, event.payload);
        return;
      case 'ranks':
        this.#ranks(event.step, event.timeUs, event.payload);
        return;
      case 'checkpoint':
        s.checkpoints = [
          ...s.checkpoints.filter((c) => c.name !== event.payload.name),
          { name: event.payload.name, step: event.step, bytes: event.payload.bytes, timeUs: event.timeUs },
        ];
        return;
      case 'sample':
        s.samples = [...s.samples, { step: event.step, promptIndex: event.payload.prompt_index }];
        return;
      case 'phase':
        this.#phase({ ...event.payload, step: event.step, timeUs: event.timeUs });
        return;
      case 'warning':
        s.warnings = [
          ...s.warnings.slice(1 - MAX_WARNINGS),
          { message: event.payload.message, step: event.step, timeUs: event.timeUs },
        ];
        return;
      case 'error':
        s.error = event.payload;
        return;
      case 'finished':
        s.finished = { ...event.payload, timeUs: event.timeUs };
    }
  }

  #started(payload: EventPayload<'started'>, timeUs: number): void {
    this.#voidBeyond(payload.resumed_from_step);
    const s = this.series;
    s.attemptBaseSeconds = s.steps.at('seconds', s.steps.length - 1) || 0;
    s.attempts = [...s.attempts, { ...payload, timeUs }];
    s.error = null;
    s.finished = null;
  }

  #voidBeyond(step: number): void {
    this.#flush();
    const s = this.series;
    s.steps = s.steps.truncate(countUpTo(s.steps.column('step'), step));
    s.evals = s.evals.truncate(countUpTo(s.evals.column('step'), step));
    s.ranks = s.ranks.filter((ranks) => ranks.step <= step);
    s.samples = s.samples.filter((sample) => sample.step <= step);
    s.checkpoints = s.checkpoints.filter((checkpoint) => checkpoint.step <= step);
  }

  #step(step: number, timeUs: number, payload: EventPayload<'step'>): void {
    let before = this.#lastRow();
    if (before.step >= step) {
      // The same step again without a `started` between: the later measurement counts, and x stays in order.
      this.#voidBeyond(step - 1);
      before = this.#lastRow();
    }
    this.#pending.push({
      step,
      tokens: before.tokens + (plain(payload.tokens) || 0),
      seconds: Math.max(before.seconds, this.#runningSeconds(timeUs)),
      loss: plain(payload.loss),
      learning_rate: plain(payload.learning_rate),
      grad_norm: plain(payload.grad_norm),
      epoch: plain(payload.epoch),
      step_seconds: plain(payload.step_seconds),
      tokens_per_second: plain(payload.tokens_per_second),
      memory_bytes: plain(payload.memory_bytes),
      memory_peak_bytes: plain(payload.memory_peak_bytes),
      curvature_seconds: plain(payload.curvature_seconds),
    });
  }

  #eval(step: number, timeUs: number, payload: EventPayload<'eval'>): void {
    const s = this.series;
    const last = this.#lastRow();
    // Evaluated again at the same step (after a resume): the later one counts.
    const kept = s.evals.truncate(countUpTo(s.evals.column('step'), step - 0.5));
    s.evals = kept.append([
      {
        step,
        tokens: last.tokens,
        // At the place of its step on the time axis; before the first step, when it was made.
        seconds: last.step === step ? last.seconds : Math.max(last.seconds, this.#runningSeconds(timeUs)),
        loss: plain(payload.loss),
        perplexity: plain(payload.perplexity),
        token_accuracy: plain(payload.token_accuracy),
      },
    ]);
  }

  #ranks(step: number, timeUs: number, payload: EventPayload<'ranks'>): void {
    const s = this.series;
    const { tokens, seconds } = this.#lastRow();
    const point = { ...payload, step, tokens, seconds: Math.max(seconds, this.#runningSeconds(timeUs)) };
    // An allocation made again at the same step (after a resume): the later one counts.
    s.ranks = [...s.ranks.filter((before) => before.step < step), point];
  }

  #phase(phase: PhasePoint): void {
    const s = this.series;
    const last = s.phases.at(-1);
    const same = last?.name === phase.name;
    s.phases = same
      ? [...s.phases.slice(0, -1), { ...last, progress: phase.progress }]
      : [...s.phases.slice(1 - MAX_PHASES), phase];
  }

  #runningSeconds(timeUs: number): number {
    const attempt = this.series.attempts.at(-1);
    if (!attempt) return 0;
    return this.series.attemptBaseSeconds + Math.max(0, (timeUs - attempt.timeUs) / 1e6);
  }

  #lastRow(): { step: number; tokens: number; seconds: number } {
    const pending = this.#pending.at(-1);
    if (pending) return pending;
    const { steps } = this.series;
    const row = steps.length - 1;
    if (row < 0) return { step: 0, tokens: 0, seconds: 0 };
    return {
      step: steps.at('step', row),
      tokens: steps.at('tokens', row),
      seconds: steps.at('seconds', row),
    };
  }

  #flush(): void {
    if (this.#pending.length === 0) return;
    this.series.steps = this.series.steps.append(this.#pending);
    this.#pending = [];
  }
}
