/**
 * The events of one run as series that charts draw. Pure. Events arrive in order of `seq`; after a resume, steps,
 * evaluations and samples beyond the checkpoint that was resumed from are void (docs/run-folder.md) and dropped.
 */
import type { EventPayload, RunEvent } from '../../../electron/shared/events.ts';

export interface StepPoint extends EventPayload<'step'> {
  readonly step: number;
  readonly timeUs: number;
}
export interface EvalPoint extends EventPayload<'eval'> {
  readonly step: number;
  readonly timeUs: number;
}
export interface CheckpointMark extends EventPayload<'checkpoint'> {
  readonly step: number;
  readonly timeUs: number;
}
export interface SampleMark extends EventPayload<'sample'> {
  readonly step: number;
  readonly timeUs: number;
}
export interface RunNote {
  readonly step: number;
  readonly timeUs: number;
  readonly kind: 'started' | 'resumed' | 'warning' | 'error' | 'finished';
  readonly message: string;
  readonly hint: string;
}

export interface RunSeries {
  /** `seq` of the last event taken in, -1 at first. */
  readonly lastSeq: number;
  readonly started: EventPayload<'started'> | null;
  readonly steps: readonly StepPoint[];
  readonly evals: readonly EvalPoint[];
  readonly checkpoints: readonly CheckpointMark[];
  readonly samples: readonly SampleMark[];
  readonly notes: readonly RunNote[];
  readonly phase: EventPayload<'phase'> | null;
  readonly finished: EventPayload<'finished'> | null;
}

export const emptySeries: RunSeries = {
  lastSeq: -1,
  started: null,
  steps: [],
  evals: [],
  checkpoints: [],
  samples: [],
  notes: [],
  phase: null,
  finished: null,
};

type Draft = { -readonly [K in keyof RunSeries]: RunSeries[K] };

/** The series with `events` added. Events seen before (a repeated batch after a reconnect) change nothing. */
export function appendEvents(series: RunSeries, events: readonly RunEvent[]): RunSeries {
  const fresh = events.filter((event) => event.seq > series.lastSeq);
  const last = fresh.at(-1);
  if (!last) return series;
  const draft: Draft = {
    ...series,
    lastSeq: last.seq,
    steps: [...series.steps],
    evals: [...series.evals],
    checkpoints: [...series.checkpoints],
    samples: [...series.samples],
    notes: [...series.notes],
  };
  for (const event of fresh) take(draft, event);
  return draft;
}

function take(draft: Draft, event: RunEvent): void {
  const at = { step: event.step, timeUs: event.timeUs };
  const note = (kind: RunNote['kind'], message: string, hint = '') =>
    (draft.notes as RunNote[]).push({ ...at, kind, message, hint });
  switch (event.type) {
    case 'started': {
      const { attempt, resumed_from_step: from } = event.payload;
      draft.started = event.payload;
      draft.finished = null;
      draft.steps = draft.steps.filter((p) => p.step <= from);
      draft.evals = draft.evals.filter((p) => p.step <= from);
      draft.samples = draft.samples.filter((p) => p.step <= from);
      draft.checkpoints = draft.checkpoints.filter((p) => p.step <= from);
      if (attempt > 1 || from > 0) note('resumed', `Attempt ${attempt}: went on from step ${from}`);
      else note('started', 'Started');
      return;
    }
    case 'phase':
      draft.phase = event.payload;
      return;
    case 'step':
      (draft.steps as StepPoint[]).push({ ...event.payload, ...at });
      return;
    case 'eval':
      (draft.evals as EvalPoint[]).push({ ...event.payload, ...at });
      return;
    case 'checkpoint':
      (draft.checkpoints as CheckpointMark[]).push({ ...event.payload, ...at });
      return;
    case 'sample':
      (draft.samples as SampleMark[]).push({ ...event.payload, ...at });
      return;
    case 'warning':
      note('warning', event.payload.message);
      return;
    case 'error':
      note('error', event.payload.message, event.payload.hint);
      return;
    case 'finished':
      draft.finished = event.payload;
      note('finished', event.payload.reason === 'completed' ? 'Completed' : 'Stopped');
      return;
  }
}
