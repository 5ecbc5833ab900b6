/**
 * The events of one run, reduced to columns: the only reader of events. A pure function of the stream, in batches of any size, so that
 * a live run, one reopened a month later and a whole file give the same. Supervisor, host, CLI and charts all come here.
 */
import type { ErrorInfo } from '../errors.ts';
import { isCallbackEvent } from './callback-events.ts';
import { callbackOfSet, callbackSet } from './callbacks.ts';
import { parseLine, toEvent } from './event-line.ts';
import type { EventPayload, EventType, RunEvent } from './events.ts';
import { type Appender, countUpTo, noPoints, type Place, type Points } from './points.ts';

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
/** Settings changed on the way, in force for the steps after `step`. */
export type ChangePoint = EventPayload<'changed'> & { step: number };
/** Ranks of AdaLoRA's modules after an allocation. */
export type RankPoint = EventPayload<'ranks'> & Place;
export type SamplePoint = EventPayload<'sample'> & { step: number };
export type Attempt = EventPayload<'started'> & { timeUs: number };

export interface RunSeries {
  /** Highest `seq` taken in; where a new subscription goes on. */
  lastSeq: number;
  /** The same for the events of callbacks. */
  lastCallbackSeq: number;
  steps: Points;
  /**
   * By the name of the evaluated set, in the order they came; DEFAULT_SET is the one that `evaluation` is about. What a callback has logged is
   * among them under `callbackSet` of its name.
   */
  evals: Readonly<Record<string, Points>>;
  /** By step, one for each allocation. */
  ranks: readonly RankPoint[];
  checkpoints: readonly CheckpointPoint[];
  changes: readonly ChangePoint[];
  /** Generations as token ids, by step; their text is in samples/samples.jsonl. */
  samples: readonly SamplePoint[];
  phases: readonly PhasePoint[];
  attempts: readonly Attempt[];
  warnings: readonly { message: string; step: number; timeUs: number }[];
  error: ErrorInfo | null;
  finished: (EventPayload<'finished'> & { timeUs: number }) | null;
  /** Running time of all attempts before this one, less what this one was paused, in seconds. */
  attemptBaseSeconds: number;
  lastTimeUs: number;
}

/** Phases kept, the newest ones. */
export const MAX_PHASES = 200;
const MAX_WARNINGS = 500;

export const emptySeries: RunSeries = {
  lastSeq: -1,
  lastCallbackSeq: -1,
  steps: noPoints,
  evals: {},
  ranks: [],
  checkpoints: [],
  changes: [],
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
 * The resume rule: a `started` with `resumed_from_step` k voids everything measured beyond step k, as those steps are trained again
 * (or were never part of the run). The same array when nothing is void.
 */
export function upToStep<T extends { step: number }>(items: readonly T[], step: number): readonly T[] {
  return items.some((item) => item.step > step) ? items.filter((item) => item.step <= step) : items;
}

/** What a rank tells of itself: `status.json` has the newest of it, `runs.timeline` the spans of a step. Not part of a series. */
const OWN: ReadonlySet<unknown> = new Set<EventType>(['rank_step', 'timeline']);
export const isOwn = ({ type }: { type?: unknown }): boolean => OWN.has(type);
/** The end of such a line as the engine writes it, keys sorted: it need not be parsed. */
export const OWN_ENDS = [...OWN].flatMap((type) => [1, 2].map((v) => `"type":"${type}","v":${v}}`));

/** Lines of an events file that a series, or a reader of the run, takes nothing from. Cheap; may miss some. */
export const isOwnLine = (line: string): boolean => OWN_ENDS.some((end) => line.endsWith(end));

/**
 * Takes in a batch of parsed events. Anything that is no event, comes from another rank than 0 or was seen before (`seq`) is skipped.
 * Returns the same series when there was nothing in it.
 */
export function reduceEvents(series: RunSeries, batch: Iterable<unknown>): RunSeries {
  return reduceChecked(series, checked(batch));
}

function* checked(batch: Iterable<unknown>): Generator<RunEvent> {
  for (const value of batch) {
    const event = toEvent(value);
    if (event) yield event;
  }
}

/** The same for events that a decoder has checked; keeps none of the objects of steps. */
export function reduceChecked(series: RunSeries, events: Iterable<RunEvent>): RunSeries {
  const draft = new Draft(series);
  for (const event of events) draft.take(event);
  return draft.close();
}

/** The same for lines of the events file; torn ones are skipped. */
export function reduceLines(series: RunSeries, lines: Iterable<string>): RunSeries {
  return reduceEvents(series, parsed(lines));
}

function* parsed(lines: Iterable<string>): Generator<unknown> {
  for (const line of lines) if (!isOwnLine(line)) yield parseLine(line);
}

/** One batch being taken in. */
class Draft {
  #series: RunSeries;
  #steps: Appender | null = null;
  #last: Place;
  readonly #before: RunSeries;

  constructor(series: RunSeries) {
    this.#before = series;
    this.#series = series;
    this.#last = series.steps.place(series.steps.length - 1);
  }

  close(): RunSeries {
    this.#flush();
    return this.#series;
  }

  take(event: RunEvent): void {
    const counter = isCallbackEvent(event) ? 'lastCallbackSeq' : 'lastSeq';
    if (event.rank !== 0 || event.seq <= this.#series[counter]) return;
    if (this.#series === this.#before) this.#series = { ...this.#series };
    const s = this.#series;
    s[counter] = event.seq;
    s.lastTimeUs = Math.max(s.lastTimeUs, event.timeUs);
    const { step, timeUs } = event;
    switch (event.type) {
      case 'started':
        this.#started(event.payload, timeUs);
        break;
      case 'step':
        this.#step(step, timeUs, event.payload.metrics);
        break;
      case 'eval':
        this.#eval(step, timeUs, event.payload);
        break;
      case 'ranks':
        this.#ranks({ ...event.payload, ...this.#placeOf(step, timeUs) });
        break;
      case 'checkpoint':
        this.#checkpoint({ name: event.payload.name, step, bytes: event.payload.bytes, timeUs });
        break;
      case 'changed':
        s.changes = [...s.changes, { ...event.payload, step }];
        break;
      case 'sample':
        this.#sample({ ...event.payload, step });
        break;
      case 'phase':
        this.#phase({ ...event.payload, step, timeUs });
        break;
      case 'warning':
        s.warnings = [
          ...s.warnings.slice(1 - MAX_WARNINGS),
          { message: event.payload.message, step, timeUs },
        ];
        break;
      case 'error':
        s.error = event.payload;
        break;
      case 'finished':
        s.finished = { ...event.payload, timeUs };
        break;
      case 'callbacks_started':
        this.#forgetLogged(event.payload.resumed_from_step);
        break;
      case 'logged':
        this.#logged(step, timeUs, event.payload);
    }
  }

  #started(payload: EventPayload<'started'>, timeUs: number): void {
    this.#voidBeyond(payload.resumed_from_step);
    const s = this.#series;
    s.attemptBaseSeconds = this.#last.seconds;
    s.attempts = [...s.attempts, { ...payload, timeUs }];
    s.error = null;
    s.finished = null;
  }

  #voidBeyond(step: number): void {
    this.#flush();
    const s = this.#series;
    s.steps = s.steps.upTo(step);
    s.evals = Object.fromEntries(Object.entries(s.evals).map(([set, points]) => [set, points.upTo(step)]));
    s.ranks = upToStep(s.ranks, step);
    s.samples = upToStep(s.samples, step);
    s.checkpoints = upToStep(s.checkpoints, step);
    s.changes = upToStep(s.changes, step);
    this.#last = s.steps.place(s.steps.length - 1);
  }

  #step(step: number, timeUs: number, values: Readonly<Record<string, number | null>>): void {
    // The same step again without a `started` between: the later measurement counts, and x stays in order.
    if (this.#last.step >= step) this.#voidBeyond(step - 1);
    const before = this.#last;
    const epoch = values.epoch ?? before.epoch;
    const rows = this.#series.attempts.at(-1)?.train_rows ?? 0;
    this.#last = {
      step,
      tokens: before.tokens + (values.tokens ?? 0),
      examples: Math.round(epoch * rows),
      epoch,
      seconds: Math.max(before.seconds, this.#runningSeconds(timeUs)),
    };
    this.#steps ??= this.#series.steps.append();
    this.#steps.add(this.#last, values);
  }

  #eval(step: number, timeUs: number, { set, metrics }: EventPayload<'eval'>): void {
    const { evals } = this.#series;
    // Evaluated again at the same step (after a resume): the later one counts.
    const appender = (evals[set] ?? noPoints).upTo(step - 0.5).append();
    appender.add(this.#placeOf(step, timeUs), metrics);
    this.#series.evals = { ...evals, [set]: appender.close() };
  }

  #forgetLogged(step: number): void {
    const kept = ([set, points]: [string, Points]) => [
      set,
      callbackOfSet(set) === null ? points : points.upTo(step),
    ];
    this.#series.evals = Object.fromEntries(Object.entries(this.#series.evals).map(kept));
  }

  /** Where its step is on every axis: a callback tells of a step after it, sometimes long after. */
  #logged(step: number, timeUs: number, { callback, metrics }: EventPayload<'logged'>): void {
    this.#flush();
    const { evals, steps } = this.#series;
    const set = callbackSet(callback);
    const before = evals[set] ?? noPoints;
    const last = before.length - 1;
    const again = last >= 0 && before.place(last).step === step;
    // Several logs of one step are one point.
    const known = again ? Object.fromEntries(before.names.map((name) => [name, before.at(name, last)])) : {};
    const row = countUpTo(steps.axis('step'), step) - 1;
    const place = row >= 0 && steps.place(row).step === step ? steps.place(row) : this.#placeOf(step, timeUs);
    const appender = before.upTo(step - 0.5).append();
    appender.add(place, { ...known, ...metrics });
    this.#series.evals = { ...evals, [set]: appender.close() };
  }

  #ranks(point: RankPoint): void {
    // An allocation made again at the same step (after a resume): the later one counts.
    this.#series.ranks = [...upToStep(this.#series.ranks, point.step - 1), point];
  }

  #checkpoint(point: CheckpointPoint): void {
    const others = this.#series.checkpoints.filter(({ name }) => name !== point.name);
    this.#series.checkpoints = [...others, point];
  }

  #sample(sample: SamplePoint): void {
    const { samples } = this.#series;
    const same = ({ step, prompt_index }: SamplePoint) =>
      step === sample.step && prompt_index === sample.prompt_index;
    const others = samples.at(-1)?.step === sample.step ? samples.filter((one) => !same(one)) : samples;
    this.#series.samples = [...others, sample];
  }

  #phase(phase: PhasePoint): void {
    const { phases } = this.#series;
    const last = phases.at(-1);
    // A pause is no time spent running.
    if (last?.name === 'paused' && phase.name !== 'paused')
      this.#series.attemptBaseSeconds -= Math.max(0, phase.timeUs - last.timeUs) / 1e6;
    this.#series.phases =
      last?.name === phase.name
        ? [...phases.slice(0, -1), { ...last, progress: phase.progress }]
        : [...phases.slice(1 - MAX_PHASES), phase];
  }

  /** At its step on every axis; before the first step of an attempt, at the time it was made. */
  #placeOf(step: number, timeUs: number): Place {
    const last = this.#last;
    if (last.step === step && step > 0) return last;
    return { ...last, step, seconds: Math.max(last.seconds, this.#runningSeconds(timeUs)) };
  }

  #runningSeconds(timeUs: number): number {
    const attempt = this.#series.attempts.at(-1);
    if (!attempt) return 0;
    return this.#series.attemptBaseSeconds + Math.max(0, (timeUs - attempt.timeUs) / 1e6);
  }

  #flush(): void {
    if (!this.#steps) return;
    this.#series.steps = this.#steps.close();
    this.#steps = null;
  }
}
