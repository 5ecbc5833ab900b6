/**
 * Callbacks of a run (docs/callbacks.md): what its folder and its status say of them, and their part of the events. Events of callbacks are a stream of their own,
 * events/callbacks.jsonl, written by the supervisor: the rank's file has one writer.
 */
import { z } from 'zod';
import type { callbackEventTypes } from './event-streams.ts';

/** Of the run folder: copies of the files as they were when the run was made, and a folder to work in for each. */
export const callbacksDir = 'callbacks';

/** What its metrics begin with and its files are called: a part of paths, so nothing that leads elsewhere. */
export const callbackNameSchema = z.string().regex(/^[A-Za-z0-9_-]{1,60}$/);

/** callbacks.json of a run folder: which code runs beside it. The folder may be from anywhere: nothing in it leads out of it. */
export const recordedCallbackSchema = z.object({
  name: callbackNameSchema,
  /** Where it was read. */
  path: z.string(),
  /** Of the run folder. */
  file: z.string().regex(/^callbacks\/[A-Za-z0-9_-]{1,60}\.m?[jt]s$/),
  /** SHA-256 of the file. */
  sha256: z.string(),
});
export type RecordedCallback = z.infer<typeof recordedCallbackSchema>;
export const callbacksRecordSchema = z.object({
  v: z.literal(1),
  callbacks: z.array(recordedCallbackSchema),
});

/** In status.json. */
export const callbackStatusSchema = z.object({
  name: z.string(),
  /** ended: with the run. failed: before it; `error` says why. */
  state: z.enum(['starting', 'running', 'ended', 'failed']),
  error: z.string().nullable(),
  /** Steps that it was not told of, as it was busy. */
  missedSteps: z.number().int(),
});
export type CallbackStatus = z.infer<typeof callbackStatusSchema>;

export const callbackRequests = ['save', 'sample', 'evaluate', 'stop'] as const;
export type CallbackRequest = (typeof callbackRequests)[number];

/** What callbacks add to the events of a run. */
export const callbackPayloads = {
  /** First event of every attempt: what callbacks have logged at later steps is void. */
  callbacks_started: z.object({ resumed_from_step: z.number().int() }),
  /** Metrics by their whole names. */
  logged: z.object({ callback: z.string().min(1), metrics: z.record(z.string(), z.number().nullable()) }),
  /** Something that the user could have asked for. */
  asked: z.object({
    callback: z.string().min(1),
    request: z.enum(callbackRequests),
    reason: z.string().optional(),
  }),
} as const satisfies Record<(typeof callbackEventTypes)[number], z.ZodType>;

const SET_PREFIX = 'callback:';
/** Under which a series keeps what a callback has logged, among evaluations: no set can be called so. */
export const callbackSet = (name: string) => `${SET_PREFIX}${name}`;
/** null: an evaluation set. */
export const callbackOfSet = (set: string): string | null =>
  set.startsWith(SET_PREFIX) ? set.slice(SET_PREFIX.length) : null;

export const MOST_NAMES = 32;
const NAME = /^[A-Za-z0-9_./-]{1,64}$/;
/** Of a metric, as a callback calls it. */
export const isMetricName = (name: string) => NAME.test(name);

/** Names of files without folders and endings, each once: `mine`, `mine-2`. */
export function callbackNames(paths: readonly string[]): string[] {
  const taken = new Set<string>();
  return paths.map((path) => {
    const file = path.split(/[\\/]/).at(-1) ?? '';
    const plain = file.replace(/\.[a-z]+$/i, '').replace(/[^A-Za-z0-9_-]+/g, '-');
    const base = plain.slice(0, 40) || 'callback';
    let name = base;
    for (let k = 2; taken.has(name); k += 1) name = `${base}-${k}`;
    taken.add(name);
    return name;
  });
}

/** Relative to the run folder. */
export const callbackLog = (name: string) => `logs/callback-${name}.log`;
