/** A batch of events being taken into a series: what each kind of event changes, and what a resume voids. */
import { callbackOfSet, callbackSet } from './callbacks.ts';
import { type EventStream, eventStreams, streamOf } from './event-streams.ts';
import type { EventPayload, RunEvent } from './events.ts';
import { type Appender, countUpTo, noPoints, type Place, type Points } from './points.ts';
import type { CheckpointPoint, PhasePoint, RankPoint, RunSeries, SamplePoint } from './series.ts';
import { FIRST_METRIC, placeOf, SEQ, STEP, type StepRows, TIME_US, widthOf } from './step-rows.ts';

/** Phases kept, the newest ones. */
export const MAX_PHASES = 200;
const MAX_WARNINGS = 500;

/**
 * The resume rule: a `started` with `resumed_from_step` k voids everything measured beyond step k, as those steps are trained again
 * (or were never part of the run). The same array when nothing is void.
 */
export function upToStep<T extends { step: number }>(items: readonly T[], step: number): readonly T[] {
  return items.some((item) => item.step > step) ? items.filter((item) => item.step <= step) : items;
}

export class Draft {
  #series: RunSeries;
  #steps: Appender | null = null;
  /** Its own object, changed in place by every step: who keeps a place copies it. */
  #last: Place;
  #names: readonly string[] | null = null;
  #epochAt = -1;
  #tokensAt = -1;
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

  takeAll(events: Iterable<RunEvent | StepRows>): void {
    for (const event of events) {
      if (event.type === 'rows') this.takeRows(event);
      else this.take(event);
    }
  }

  takeRows(rows: StepRows): void {
    const { names, values, from, to } = rows;
    if (names !== this.#names) this.#know(names);
    const width = widthOf(rows);
    for (let at = from; at < to; at += width) {
      const timeUs = values[at + TIME_US] as number;
      if (!this.#isNew('rank', values[at + SEQ] as number, timeUs)) continue;
      this.#goTo(
        values[at + STEP] as number,
        timeUs,
        numberAt(values, at, this.#epochAt),
        numberAt(values, at, this.#tokensAt),
      );
      this.#appender().addRow(this.#last, names, values, at + FIRST_METRIC);
    }
  }

  /** A hundred thousand rows have one list of names. */
  #know(names: readonly string[]): void {
    this.#names = names;
    this.#epochAt = placeOf(names, 'epoch');
    this.#tokensAt = placeOf(names, 'tokens');
  }

  take(event: RunEvent): void {
    if (event.rank !== 0 || !this.#isNew(streamOf(event), event.seq, event.timeUs)) return;
    const s = this.#series;
    const { step, timeUs } = event;
    switch (event.type) {
      case 'started':
        this.#started(event.payload, timeUs);
        break;
      case 'step':
        this.#goTo(step, timeUs, event.payload.metrics.epoch, event.payload.metrics.tokens);
        this.#appender().add(this.#last, event.payload.metrics);
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
        break;
      case 'monitors_started':
        s.monitors = s.monitors.upTo(event.payload.resumed_from_step);
        break;
      case 'monitored':
        s.monitors = this.#beside(s.monitors, step, timeUs, event.payload.metrics);
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

  /** False: seen before. */
  #isNew(stream: EventStream, seq: number, timeUs: number): boolean {
    const counter = eventStreams[stream].last;
    if (seq <= this.#series[counter]) return false;
    if (this.#series === this.#before) this.#series = { ...this.#series };
    this.#series[counter] = seq;
    this.#series.lastTimeUs = Math.max(this.#series.lastTimeUs, timeUs);
    return true;
  }

  /** A step has been measured there. */
  #goTo(
    step: number,
    timeUs: number,
    measuredEpoch: number | null = null,
    tokens: number | null = null,
  ): void {
    // The same step again without a `started` between: the later measurement counts, and x stays in order.
    if (this.#last.step >= step) this.#voidBeyond(step - 1);
    const last = this.#last;
    const rows = this.#series.attempts.at(-1)?.train_rows ?? 0;
    last.step = step;
    last.tokens += tokens ?? 0;
    last.epoch = measuredEpoch ?? last.epoch;
    last.examples = Math.round(last.epoch * rows);
    last.seconds = Math.max(last.seconds, this.#runningSeconds(timeUs));
  }

  #appender(): Appender {
    this.#steps ??= this.#series.steps.append();
    return this.#steps;
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

  #logged(step: number, timeUs: number, { callback, metrics }: EventPayload<'logged'>): void {
    const { evals } = this.#series;
    const set = callbackSet(callback);
    this.#series.evals = { ...evals, [set]: this.#beside(evals[set] ?? noPoints, step, timeUs, metrics) };
  }

  /** With what was told of a step after it, sometimes long after: where its step is on every axis. Several of one step are one point. */
  #beside(
    before: Points,
    step: number,
    timeUs: number,
    metrics: Readonly<Record<string, number | null>>,
  ): Points {
    this.#flush();
    const { steps } = this.#series;
    const last = before.length - 1;
    const again = last >= 0 && before.place(last).step === step;
    const known = again ? Object.fromEntries(before.names.map((name) => [name, before.at(name, last)])) : {};
    const row = countUpTo(steps.axis('step'), step) - 1;
    const place = row >= 0 && steps.place(row).step === step ? steps.place(row) : this.#placeOf(step, timeUs);
    const appender = before.upTo(step - 0.5).append();
    appender.add(place, { ...known, ...metrics });
    return appender.close();
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
    if (last.step === step && step > 0) return { ...last };
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

/** null: not measured, or not finite. */
function numberAt(values: Float64Array, row: number, place: number): number | null {
  const value = place < 0 ? Number.NaN : (values[row + place] as number);
  return Number.isNaN(value) ? null : value;
}
