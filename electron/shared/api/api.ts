/**
 * The one contract between renderer (and CLI tests) and host. Every call and every stream is listed here once;
 * both transports (Electron IPC, WebSocket), the client and the test mock are derived from it.
 *
 * Wire format, the same on both transports (JSON):
 *   -> {id, method, params}            <- {id, result} | {id, error: ErrorInfo}
 *   -> {id, subscribe: topic, params}  <- {id, event} ... | {id, error} | {id, end: true}
 *   -> {id, unsubscribe: true}
 */
import { z } from 'zod';
import { errorInfoSchema } from '../error-info.ts';
import { callbackNameSchema } from '../runs/callbacks.ts';
import { evaluatesSchema } from '../runs/evaluates.ts';
import { runStatusSchema, runTimelineSchema, sampleSchema } from '../runs/events.ts';
import { metricsFormats } from '../runs/metrics-export.ts';
import { onFailureSchema, queueStateSchema } from '../runs/queue.ts';
import { runChangeSchema, runRequests } from '../runs/requests.ts';
import { encodedSeriesSchema } from '../runs/series-codec.ts';
import { exportKindSchema } from '../spec/method-traits.ts';
import { mappingSchema, runSpecSchema, specIssueSchema } from '../spec/run-spec.ts';
import { callbackMethods } from './callbacks.ts';
import { id, none, ok } from './common.ts';
import { compareMethods } from './compare.ts';
import {
  chatTemplateSchema,
  datasetCardSchema,
  deviceSchema,
  jobSchema,
  layoutForecastSchema,
  modelCardSchema,
  presetSchema,
  runPreviewSchema,
  runSummarySchema,
  tagSchema,
  telemetrySchema,
  tokenizedRowSchema,
} from './entities.ts';
import { evaluationMethods } from './evaluations.ts';
import { exampleHistorySchema, runExamplesSchema } from './examples.ts';
import { exportRecordSchema } from './export-record.ts';
import { judgeMethods } from './judges.ts';
import { modelFitSchema } from './model-fit.ts';
import { chatTopics, playgroundMethods } from './playground.ts';
import { settingsMethods } from './settings.ts';
import { studyMethods } from './studies.ts';
import { sweepMethods } from './sweeps.ts';

const jobRef = z.object({ jobId: z.string() });

/** How a data file is read. */
const importChoices = {
  /** Of text files; UTF-16 is seen by itself. */
  encoding: z.enum(['utf-8', 'windows-1252']).default('utf-8'),
  /** CSV rows with more or fewer fields than the header: refused with their lines, or left out. */
  ragged: z.enum(['refuse', 'leave_out']).default('refuse'),
};

/** A dataset, model, mapping and length: what tokenizing a row depends on. */
const tokenizeParams = z.object({
  datasetId: id,
  modelId: id,
  mapping: mappingSchema,
  systemPrompt: z.string().default(''),
  seqLen: z.number().int().min(8),
});

export const methods = {
  'system.info': {
    params: none,
    result: z.object({
      version: z.string(),
      home: z.string(),
      platform: z.string(),
      shell: z.enum(['electron', 'browser']),
      engine: z.object({ built: z.boolean(), path: z.string(), problem: errorInfoSchema.nullable() }),
      devices: z.array(deviceSchema),
    }),
  },
  /** Lists one folder, for the path picker of the browser shell. Confined to the home folder and the configured roots. */
  'files.list': {
    params: z.object({ path: z.string().default('') }),
    result: z.object({
      path: z.string(),
      parent: z.string().nullable(),
      entries: z.array(
        z.object({
          name: z.string(),
          path: z.string(),
          kind: z.enum(['file', 'folder']),
          sizeBytes: z.number().int(),
        }),
      ),
    }),
  },

  'models.list': { params: none, result: z.array(modelCardSchema) },
  'models.get': { params: z.object({ id }), result: modelCardSchema },
  /** A Hugging Face folder (used in place) or a .gguf file (converted into the library). Job result: ModelCard. */
  'models.import': {
    params: z.object({ path: z.string().min(1), name: z.string().default('') }),
    result: jobRef,
  },
  'models.remove': { params: z.object({ id }), result: ok },
  /** Memory of each method on this machine, as forecast. */
  'models.fit': { params: z.object({ id }), result: modelFitSchema },
  'models.template': { params: z.object({ id }), result: chatTemplateSchema },
  /** Writes the template in the library, beside links to the files of a folder that was used in place; null: back to what the model brings. */
  'models.setTemplate': {
    params: z.object({ id, text: z.string().max(1_000_000).nullable() }),
    result: chatTemplateSchema,
  },

  'datasets.list': { params: none, result: z.array(datasetCardSchema) },
  'datasets.get': { params: z.object({ id }), result: datasetCardSchema },
  /** Reads a file as `datasets.import` would and keeps nothing. Job result: DatasetPreview. */
  'datasets.preview': { params: z.object({ path: z.string().min(1), ...importChoices }), result: jobRef },
  /** Job result: DatasetCard. */
  'datasets.import': {
    params: z.object({
      path: z.string().min(1),
      name: z.string().default(''),
      ...importChoices,
      /** Rows that the guessed mapping cannot train on: kept, for the run to decide, or left out. */
      unusable: z.enum(['keep', 'leave_out']).default('keep'),
    }),
    result: jobRef,
  },
  'datasets.rows': {
    params: z.object({
      id,
      offset: z.number().int().min(0),
      limit: z.number().int().min(1).max(500),
      search: z.string().default(''),
    }),
    result: z.object({
      /** Rows that match the search; all without one. */
      total: z.number().int(),
      rows: z.array(z.record(z.string(), z.unknown())),
      /** Position of each row in the dataset, from 0: what `datasets.tokenize` takes. */
      indices: z.array(z.number().int()),
    }),
  },
  'datasets.setMapping': { params: z.object({ id, mapping: mappingSchema }), result: datasetCardSchema },
  'datasets.tokenize': {
    params: tokenizeParams.extend({ row: z.number().int().min(0) }),
    result: tokenizedRowSchema,
  },
  /** Tokenizes every row. Job result: TokenStats (entities.ts). */
  'datasets.stats': { params: tokenizeParams, result: jobRef },
  'datasets.remove': { params: z.object({ id }), result: ok },

  'presets.list': { params: none, result: z.array(presetSchema) },

  /** Never throws on a bad spec: all issues come back together. */
  'spec.validate': {
    params: z.object({ spec: z.unknown() }),
    result: z.object({
      issues: z.array(specIssueSchema),
      resolved: runSpecSchema.nullable(),
      preview: runPreviewSchema.nullable(),
    }),
  },

  /** Layouts of so many ranks that spec and model allow, the best first. Fails with spec.invalid or model.* errors. */
  'spec.layouts': {
    params: z.object({ spec: z.unknown(), ranks: z.number().int().min(1).max(1024) }),
    result: z.array(layoutForecastSchema),
  },

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

  'queue.get': { params: none, result: queueStateSchema },
  /** A new run at the end of the line, its settings and the content of its data fixed now. Fails with spec.invalid and all issues. */
  'queue.add': {
    params: z.object({ spec: z.unknown(), after: id.nullable().default(null) }),
    result: z.object({ id: z.string() }),
  },
  /** A run that was stopped or has failed goes on from its checkpoint when its turn comes. */
  'queue.retry': { params: z.object({ id }), result: ok },
  /** To the place before another entry; null: to the end. */
  'queue.move': { params: z.object({ id, before: id.nullable() }), result: ok },
  'queue.change': {
    params: z.object({ id, skipped: z.boolean().optional(), after: id.nullable().optional() }),
    result: ok,
  },
  'queue.set': {
    params: z.object({ paused: z.boolean().optional(), on_failure: onFailureSchema.optional() }),
    result: ok,
  },
  /** Takes an entry out of line: a run that never began is deleted, another is what it was before. */
  'queue.remove': { params: z.object({ id }), result: ok },
  /** At once, beside whatever is running. */
  'queue.startNow': { params: z.object({ id }), result: ok },

  ...settingsMethods,
  ...callbackMethods,
  ...judgeMethods,
  ...evaluationMethods,
  ...sweepMethods,
  ...studyMethods,

  /** Job result: ExportRecord. `destination` empty: runs/<id>/export/<kind>-<step>. */
  'exports.start': {
    params: z.object({
      runId: id,
      checkpoint: z.string().default(''),
      kind: exportKindSchema,
      destination: z.string().default(''),
    }),
    result: jobRef,
  },
  'exports.list': { params: none, result: z.array(exportRecordSchema) },

  ...compareMethods,

  'jobs.list': { params: none, result: z.array(jobSchema) },
  'jobs.cancel': { params: z.object({ id: z.string() }), result: ok },

  ...playgroundMethods,
} as const;

export const topics = {
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
  /** Every job now, then each change. */
  /** The whole queue, whenever something in it changes. */
  queue: { params: none, event: queueStateSchema },
  jobs: { params: none, event: jobSchema },
  telemetry: { params: none, event: telemetrySchema },
  ...chatTopics,
} as const;

export type Method = keyof typeof methods;
export type MethodParams<M extends Method> = z.input<(typeof methods)[M]['params']>;
export type MethodResult<M extends Method> = z.output<(typeof methods)[M]['result']>;
/** What a handler gets: parsed, defaults filled in. */
export type MethodParsed<M extends Method> = z.output<(typeof methods)[M]['params']>;

export type Topic = keyof typeof topics;
export type TopicParams<T extends Topic> = z.input<(typeof topics)[T]['params']>;
export type TopicParsed<T extends Topic> = z.output<(typeof topics)[T]['params']>;
export type TopicEvent<T extends Topic> = z.output<(typeof topics)[T]['event']>;

/** What the host implements and what the client offers. */
export interface Api {
  call<M extends Method>(method: M, params: MethodParams<M>): Promise<MethodResult<M>>;
  /** Returns the function that ends the subscription. `onEnd` gets null after a normal end. */
  subscribe<T extends Topic>(
    topic: T,
    params: TopicParams<T>,
    onEvent: (event: TopicEvent<T>) => void,
    onEnd?: (error: z.infer<typeof errorInfoSchema> | null) => void,
  ): () => void;
}

const requestId = z.number().int();
export const requestSchema = z.union([
  z.strictObject({
    id: requestId,
    method: z.enum(Object.keys(methods) as [Method, ...Method[]]),
    params: z.unknown(),
  }),
  z.strictObject({
    id: requestId,
    subscribe: z.enum(Object.keys(topics) as [Topic, ...Topic[]]),
    params: z.unknown(),
  }),
  z.strictObject({ id: requestId, unsubscribe: z.literal(true) }),
]);
export type Request = z.infer<typeof requestSchema>;
