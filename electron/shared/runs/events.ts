/**
 * Events of a run: append-only lines of runs/<id>/events/rank-NNN.jsonl, written by the rank, and status.json,
 * written by the supervisor. Charts are drawn from these alone, live or a month later.
 */
import { z } from 'zod';
import { errorInfoSchema } from '../error-info.ts';
import { alarmSchema } from './alarms/alarm.ts';
import { callbackPayloads, callbackStatusSchema } from './callbacks.ts';
import { monitorPayloads } from './monitors.ts';

/** Version 1 had the metrics of `step` and `eval` as keys of their payloads; `runs/event-line.ts` still reads it. */
export const EVENTS_VERSION = 2;

const finite = z.number();
const metricsSchema = z.record(z.string(), z.number().nullable());

/** One pass of one micro-batch through one chunk; waiting for neighbours is left out. */
export const spanSchema = z.object({
  kind: z.enum(['forward', 'backward']),
  /** Of those that the rank takes in a step. */
  micro_batch: z.number().int(),
  /** Of those that the rank holds, bottom up. */
  chunk: z.number().int(),
  /** Microseconds since the rank began the step. Ranks begin one together: each ends with a reduction over all. */
  begin_us: z.number().int(),
  end_us: z.number().int(),
});
export type Span = z.infer<typeof spanSchema>;

/** What all ranks computed when in one step (`runs.timeline`). */
export const runTimelineSchema = z.object({
  step: z.number().int(),
  /** Newest step that all ranks have. */
  newest: z.number().int(),
  ranks: z.array(z.object({ rank: z.number().int(), stepUs: z.number().int(), spans: z.array(spanSchema) })),
});
export type RunTimeline = z.infer<typeof runTimelineSchema>;

/** Payloads by event type, of version 2. */
export const eventPayloads = {
  /** First event of every attempt. `resumed_from_step` is 0 for a fresh start: later steps seen before are void. */
  started: z.object({
    attempt: z.number().int(),
    resumed_from_step: z.number().int(),
    total_steps: z.number().int(),
    train_rows: z.number().int(),
    eval_rows: z.number().int(),
    trainable_params: z.number().int(),
    total_params: z.number().int(),
    device: z.string(),
    /** The level of the spec, or for `auto` the one that was chosen. Runs made before there were levels have none. */
    activation_checkpointing: z.string().optional(),
    threads: z.number().int(),
    /** Which process this is, and its place in the grid of ranks. Runs made before there was a grid have none of it. */
    pid: z.number().int().optional(),
    host: z.string().optional(),
    stage: z.number().int().optional(),
    dp_rank: z.number().int().optional(),
    tp_rank: z.number().int().optional(),
  }),
  /** loading_model, allocating, training, evaluating, saving, sampling, answering, paused, finishing */
  phase: z.object({ name: z.string(), progress: z.number().min(0).max(1).nullable() }),
  /** By name, as in `runs/metrics.ts`, which says what they are. null: not finite. */
  step: z.object({ metrics: metricsSchema }),
  /** What one rank's part of a step took; every rank writes it, the events of the whole run come from rank 0. */
  rank_step: z.object({
    step_seconds: finite,
    compute_seconds: finite,
    /** Waiting for what a pipeline neighbour sends. What a rank waits in a collective counts as computing. */
    wait_seconds: finite,
    memory_bytes: z.number().int(),
    memory_peak_bytes: z.number().int(),
    /** In the step, to other ranks: what it gave to each collective, as a ring sends it. Runs made before that was counted have none. */
    sent_bytes: z.number().int().optional(),
  }),
  /** What a rank computed when in the step that the event is of; only with `parallel.timeline`. */
  timeline: z.object({
    /** The whole step on this rank, its update included. */
    step_us: z.number().int(),
    spans: z.array(spanSchema),
  }),
  /** AdaLoRA's allocation of ranks, written whenever it is made anew. */
  ranks: z.object({
    /** Sum of the ranks of all modules. */
    total: z.number().int(),
    /** What the sum was to be at this step. */
    target: z.number().int(),
    /** Rank of each adapted module, by its full name: `model.layers.0.self_attn.q_proj`. */
    modules: z.record(z.string(), z.number().int()),
  }),
  /** Metrics over all rows of a set (sums first, divided once). */
  eval: z.object({ set: z.string().min(1), metrics: metricsSchema }),
  /** A named set was computed; the supervisor scores its raw record, and an `eval` follows. */
  evaluated: z.object({ set: z.string().min(1), seconds: finite }),
  /** Settings changed on the way: those in force from the next step on. */
  changed: z.object({ learning_rate: finite, total_steps: z.number().int() }),
  checkpoint: z.object({ name: z.string(), bytes: z.number().int(), seconds: finite }),
  /** Token ids; the supervisor decodes them into samples/. */
  sample: z.object({
    prompt_index: z.number().int(),
    ids: z.array(z.number().int()),
    finish: z.enum(['stop', 'length']),
  }),
  warning: z.object({ message: z.string() }),
  error: errorInfoSchema,
  /** restart: saved, to go on at once in a process that claims more memory (a longer run has larger batches). */
  finished: z.object({
    reason: z.enum(['completed', 'stopped', 'restart']),
    seconds: finite,
    tokens: z.number().int(),
  }),
  /** Those of callbacks and of monitors are in files of their own. */
  ...callbackPayloads,
  ...monitorPayloads,
} as const;

export type EventType = keyof typeof eventPayloads;
export type EventPayload<T extends EventType> = z.infer<(typeof eventPayloads)[T]>;

export type RunEvent = {
  [T in EventType]: {
    v: typeof EVENTS_VERSION;
    rank: number;
    /** Counts up by one within a rank, over all attempts. */
    seq: number;
    /** Microseconds since the Unix epoch. */
    timeUs: number;
    /** Optimizer steps finished when the event was written. */
    step: number;
    type: T;
    payload: EventPayload<T>;
  };
}[EventType];

export const runStates = [
  'queued',
  'preparing',
  'starting',
  'running',
  'stopping',
  'stopped',
  'completed',
  'failed',
] as const;
export type RunState = (typeof runStates)[number];
export const liveStates: readonly RunState[] = ['preparing', 'starting', 'running', 'stopping'];

/** One process of a run, as far as it is known. */
export const rankStatusSchema = z.object({
  rank: z.number().int(),
  host: z.string(),
  pid: z.number().int().nullable(),
  stage: z.number().int(),
  dpRank: z.number().int(),
  tpRank: z.number().int(),
  /** starting: has not reported yet. gone: its process ended before the run did. ended: with the run. */
  state: z.enum(['starting', 'alive', 'gone', 'ended']),
  /** Of its last step; null before the first. */
  step: z.number().int().nullable(),
  stepSeconds: z.number().nullable(),
  waitSeconds: z.number().nullable(),
  memoryBytes: z.number().int().nullable(),
  memoryPeakBytes: z.number().int().nullable(),
});
export type RankStatus = z.infer<typeof rankStatusSchema>;

/** The supervisor started the run again by itself (`recovery.max_restarts`). */
export const restartSchema = z.object({
  at: z.string(),
  /** Why the attempt before it ended. */
  error: errorInfoSchema,
  /** Where it went on; null: step 0. */
  checkpoint: z.string().nullable(),
});
export type Restart = z.infer<typeof restartSchema>;

/** The phase of a run that is held between two steps. */
export const PAUSED = 'Paused';

export const runStatusSchema = z.object({
  v: z.literal(1),
  id: z.string(),
  name: z.string(),
  state: z.enum(runStates),
  /** What is going on in words, e.g. "Tokenizing" or "Evaluating". */
  phase: z.string(),
  /** Progress of the phase in 0..1, null when unknown. */
  phaseProgress: z.number().nullable(),
  step: z.number().int(),
  totalSteps: z.number().int().nullable(),
  /** Seconds, null when unknown. */
  etaSeconds: z.number().nullable(),
  attempt: z.number().int(),
  createdAt: z.string(),
  startedAt: z.string().nullable(),
  finishedAt: z.string().nullable(),
  updatedAt: z.string(),
  lastLoss: z.number().nullable(),
  lastEvalLoss: z.number().nullable(),
  tokensPerSecond: z.number().nullable(),
  /** Newest complete checkpoint, e.g. step-00000100. */
  checkpoint: z.string().nullable(),
  error: errorInfoSchema.nullable(),
  supervisorPid: z.number().int().nullable(),
  /** Its processes, in the order of their ranks; empty before they are started. */
  ranks: z.array(rankStatusSchema).default([]),
  /** Of the newest start or resume by a user. */
  restarts: z.array(restartSchema).default([]),
  /** The newest, oldest first; of steps that were trained again only the last time. */
  alarms: z.array(alarmSchema).default([]),
  /** Of the newest attempt, in the order of the spec. */
  callbacks: z.array(callbackStatusSchema).default([]),
});
export type RunStatus = z.infer<typeof runStatusSchema>;

/** A decoded generation, one line of samples/samples.jsonl. */
export const sampleSchema = z.object({
  step: z.number().int(),
  promptIndex: z.number().int(),
  prompt: z.string(),
  text: z.string(),
  finish: z.enum(['stop', 'length']),
});
export type Sample = z.infer<typeof sampleSchema>;
