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
import { queueStateSchema } from '../runs/queue.ts';
import { exportKindSchema } from '../spec/method-traits.ts';
import { runSpecSchema, specIssueSchema } from '../spec/run-spec.ts';
import { callbackMethods } from './callbacks.ts';
import { id, jobRef, none, ok } from './common.ts';
import { compareMethods } from './compare.ts';
import { datasetMethods } from './datasets.ts';
import {
  deviceSchema,
  jobSchema,
  layoutForecastSchema,
  presetSchema,
  runPreviewSchema,
  telemetrySchema,
} from './entities.ts';
import { evaluationMethods } from './evaluations.ts';
import { exportRecordSchema } from './export-record.ts';
import { judgeMethods } from './judges.ts';
import { modelMethods } from './models.ts';
import { chatTopics, playgroundMethods } from './playground.ts';
import { queueMethods } from './queue.ts';
import { runMethods, runTopics } from './runs.ts';
import { settingsMethods } from './settings.ts';
import { studyMethods } from './studies.ts';
import { sweepMethods } from './sweeps.ts';

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

  ...modelMethods,
  ...datasetMethods,

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

  ...runMethods,
  ...queueMethods,
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
  ...runTopics,
  /** The whole queue, whenever something in it changes. */
  queue: { params: none, event: queueStateSchema },
  /** Every job now, then each change. */
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
