/**
 * The events of one run, reduced to columns: the only reader of events. A pure function of the stream, in batches of any size, so that
 * a live run, one reopened a month later and a whole file give the same. Supervisor, host, CLI and charts all come here.
 */
import type { ErrorInfo } from '../errors.ts';
import { parseLine, toEvent } from './event-line.ts';
import type { EventPayload, EventType, RunEvent } from './events.ts';
import { noPoints, type Place, type Points } from './points.ts';
import { Draft } from './series-draft.ts';
import type { StepRows } from './step-rows.ts';

export { Draft, MAX_PHASES, upToStep } from './series-draft.ts';

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
  /** And for what was measured of the machine. */
  lastMonitorSeq: number;
  steps: Points;
  /**
   * By the name of the evaluated set, in the order they came; DEFAULT_SET is the one that `evaluation` is about. What a callback has logged is
   * among them under `callbackSet` of its name.
   */
  evals: Readonly<Record<string, Points>>;
  /** Of the machine, every few seconds. */
  monitors: Points;
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

export const emptySeries: RunSeries = {
  lastSeq: -1,
  lastCallbackSeq: -1,
  lastMonitorSeq: -1,
  steps: noPoints,
  evals: {},
  monitors: noPoints,
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
export function reduceChecked(series: RunSeries, events: Iterable<RunEvent | StepRows>): RunSeries {
  const draft = new Draft(series);
  draft.takeAll(events);
  return draft.close();
}

/** The same for lines of the events file; torn ones are skipped. */
export function reduceLines(series: RunSeries, lines: Iterable<string>): RunSeries {
  return reduceEvents(series, parsed(lines));
}

function* parsed(lines: Iterable<string>): Generator<unknown> {
  for (const line of lines) if (!isOwnLine(line)) yield parseLine(line);
}
