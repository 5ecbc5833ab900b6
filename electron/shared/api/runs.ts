/** Runs: what there is of each, starting and ending them, and the streams of those that go. */

import { z } from 'zod';
import { callbackNameSchema } from '../runs/callbacks.ts';
import { evaluatesSchema } from '../runs/evaluates.ts';
import { runStatusSchema, runTimelineSchema, sampleSchema } from '../runs/events.ts';
import { metricsFormats } from '../runs/metrics-export.ts';
import { runChangeSchema, runRequests } from '../runs/requests.ts';
import { encodedSeriesSchema } from '../runs/series-codec.ts';
import { runSpecSchema } from '../spec/run-spec.ts';
import { id, none, ok } from './common.ts';
import { runSummarySchema, tagSchema } from './entities.ts';
import { exampleHistorySchema, runExamplesSchema } from './examples.ts';

export const runMethods = {
  'runs.list': { params: none, result: z.array(runStatusSchema) },
  'runs.get': {
    params: z.object({ id }),
    result: z.object({
      status: runStatusSchema,
      spec: runSpecSchema,
      /** The library's model that it was trained on, wherever that is by now; null: none is surely the one. */
      modelId: z.string().nullable(),
      environment: z.record(z.string(), z.unknown()),
      checkpoints: z.array(
        z.object({
          name: z.string(),
          step: z.number().int(),
          sizeBytes: z.number().int(),
          /** Place 1 is the best by `checkpoint.best_by`; null: not among those. */
          best: z.object({ place: z.number().int(), value: z.number() }).nullable(),
        }),
      ),
      samples: z.array(sampleSchema),
      /** What it evaluates, of a run that trains nothing. */
      evaluates: evaluatesSchema.nullable(),
      path: z.string(),
    }),
  },
  /** Spec and tags of many runs at once; runs that are not there, or cannot be read, are left out. */
  'runs.summaries': {
    params: z.object({ ids: z.array(id).max(10_000) }),
    result: z.array(runSummarySchema),
  },
  /** The training loss at evenly spread places of each run, for a small picture; empty before the first step. */
  'runs.sparklines': {
    params: z.object({ ids: z.array(id).max(200) }),
    result: z.array(z.object({ id: z.string(), losses: z.array(z.number()) })),
  },
  /** All that has been measured up to now as columns; `runs.events` goes on behind its `lastSeq`. */
  'runs.series': { params: z.object({ id }), result: encodedSeriesSchema },
  /** A file for CSV, a folder for TensorBoard; `out` empty: in runs/<id>/export, where an earlier one is replaced. */
  'runs.exportMetrics': {
    params: z.object({ id, format: z.enum(metricsFormats), out: z.string().default('') }),
    result: z.object({ path: z.string() }),
  },
  'runs.setTags': { params: z.object({ id, tags: z.array(tagSchema).max(20) }), result: ok },
  /** Fails with spec.invalid and all issues. */
  'runs.start': { params: z.object({ spec: z.unknown() }), result: z.object({ id: z.string() }) },
  /** The evaluated rows of a set at two of its evaluations; left out: the first set, its first and last evaluation. */
  'runs.examples': {
    params: z.object({
      id,
      set: z.string().default(''),
      left: z.number().int().nullable().default(null),
      right: z.number().int().nullable().default(null),
    }),
    result: runExamplesSchema,
  },
  /** One row at every evaluation of which there is a record. */
  'runs.example': {
    params: z.object({ id, set: z.string().min(1), row: z.number().int().min(0) }),
    result: exampleHistorySchema,
  },
  /** Of a step, or the newest; null where none was recorded (`parallel.timeline`). */
  'runs.timeline': {
    params: z.object({ id, step: z.number().int().min(1).nullable().default(null) }),
    result: runTimelineSchema.nullable(),
  },
  /** Saves a checkpoint, then ends the run. Returns when the wish has arrived, not when the run has ended. */
  'runs.stop': { params: z.object({ id }), result: ok },
  /** Done after the current step. Returns when the wish has arrived. */
  'runs.request': { params: z.object({ id, request: z.enum(runRequests) }), result: ok },
  /** Fails with request.invalid for an end that the run has passed. */
  'runs.change': { params: z.object({ id, ...runChangeSchema.shape }), result: ok },
  /** `checkpoint`: an older one to go on from; empty: the newest. Newer ones are set aside. */
  'runs.resume': { params: z.object({ id, checkpoint: z.string().default('') }), result: ok },
  'runs.remove': { params: z.object({ id }), result: ok },
  'runs.log': {
    params: z.object({
      id,
      offset: z.number().int().min(0).default(0),
      /** Of a callback by its name; null: of the run. */
      callback: callbackNameSchema.nullable().default(null),
    }),
    result: z.object({ text: z.string(), nextOffset: z.number().int() }),
  },
} as const;

export const runTopics = {
  /** Every status now, then each change; `changes` leaves out the first, for who asks `runs.list` next. */
  'runs.status': { params: z.object({ changes: z.boolean().default(false) }), event: runStatusSchema },
  /** Events of one run after `afterSeq` (-1: all) but rank_step and timeline, of its callbacks after `afterCallbackSeq` and of its monitors after `afterMonitorSeq`, in batches, live until unsubscribed. */
  'runs.events': {
    params: z.object({
      id,
      afterSeq: z.number().int().default(-1),
      afterCallbackSeq: z.number().int().default(-1),
      afterMonitorSeq: z.number().int().default(-1),
    }),
    event: z.object({ events: z.array(z.unknown()) }),
  },
} as const;
