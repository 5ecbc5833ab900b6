/**
 * The queue: runs that wait for their turn. An entry is a file in its run's folder and the run's state `queued`, so that the queue is the
 * set of such runs and nothing beside them can be lost, or disagree. Pure: what is in line, why it waits, and what starts next.
 */
import { z } from 'zod';
import type { RunStatus } from './events.ts';

/** `queue-entry.json` of a run folder: kept when the run has started, for what the queue does after a crash. */
export const queueEntrySchema = z.object({
  v: z.literal(1),
  queuedAt: z.string(),
  /** Place in line: smaller starts first. */
  order: z.number(),
  /** resume: it has run before, and goes on from its newest checkpoint. */
  mode: z.enum(['start', 'resume']),
  /** Id of the run that has to be complete first. */
  after: z.string().nullable(),
  /** Passed over until that is taken back. */
  skipped: z.boolean(),
  /** How often the queue has resumed it by itself after a crash: at most once. */
  recovered: z.number().int(),
  /** SHA-256 of each data file when it was queued, by path. */
  data: z.record(z.string(), z.string()),
  /** null: not known. */
  forecast: z.object({ seconds: z.number().nullable(), memoryBytes: z.number().nullable() }),
  /** The sweep that it belongs to. */
  sweep: z.string().nullable().default(null),
  /** Trained tokens at which it pauses, at the next evaluation; null: it does not. */
  pauseAt: z.number().nullable().default(null),
  /** It ends when so many evaluations in a row are not better than the best before by `least` nats; null: it does not. */
  plateau: z.object({ evaluations: z.number().int(), least: z.number() }).nullable().default(null),
  /** The budget of its sweep has ended it once, or it was started by hand past it: it is not ended for that again. */
  pastBudget: z.boolean().default(false),
  /** How it stood before it was put back in line; taking it out restores that. */
  before: z.object({ state: z.enum(['stopped', 'failed']), phase: z.string() }).nullable(),
});
export type QueueEntry = z.infer<typeof queueEntrySchema>;

/** What a failed run of the queue means for those behind it. */
export const onFailureSchema = z.enum(['continue', 'pause']);

/** `<home>/queue.json`. */
export const queueSettingsSchema = z.object({
  v: z.literal(1).default(1),
  /** Nothing new is started; what runs goes on. */
  paused: z.boolean().default(false),
  on_failure: onFailureSchema.default('continue'),
});
export type QueueSettings = z.infer<typeof queueSettingsSchema>;

/** A run with its entry, as the files say. `lane`: runs of one lane compute on the same devices and go one after another. */
export interface Queued {
  entry: QueueEntry;
  status: RunStatus;
  lane: string;
}

/** A live run, queued or started directly. */
export interface Going {
  id: string;
  name: string;
  lane: string;
  etaSeconds: number | null;
}

export interface Machine {
  /** Of each lane's device; null: not known. */
  memory(lane: string): { freeBytes: number; totalBytes: number } | null;
}

export const queueItemSchema = z.object({
  id: z.string(),
  name: z.string(),
  lane: z.string(),
  /** waiting: something other than its place in line keeps it from starting. */
  state: z.enum(['queued', 'waiting']),
  /** What it waits for, in a sentence; empty: its turn. */
  reason: z.string(),
  skipped: z.boolean(),
  after: z.string().nullable(),
  sweep: z.string().nullable(),
  mode: z.enum(['start', 'resume']),
  seconds: z.number().nullable(),
  memoryBytes: z.number().nullable(),
  /** Until it starts; null: not known, or not at all as things stand. */
  startsInSeconds: z.number().nullable(),
});
export type QueueItem = z.infer<typeof queueItemSchema>;

export const queueStateSchema = z.object({
  settings: queueSettingsSchema,
  items: z.array(queueItemSchema),
  going: z.array(
    z.object({ id: z.string(), name: z.string(), lane: z.string(), etaSeconds: z.number().nullable() }),
  ),
  /** Until all of it is through; null: not known. */
  totalSeconds: z.number().nullable(),
});
export type QueueState = z.infer<typeof queueStateSchema>;

export const inOrder = (queued: readonly Queued[]): Queued[] =>
  [...queued].sort((a, b) => a.entry.order - b.entry.order || a.status.id.localeCompare(b.status.id));

const gigabytes = (bytes: number) => `${(bytes / 1e9).toFixed(1)} GB`;

interface Surroundings {
  settings: QueueSettings;
  /** Of all runs. */
  statuses: ReadonlyMap<string, RunStatus>;
  machine: Machine;
  /** Why runs of a sweep are not started, by its id. */
  held: ReadonlyMap<string, string>;
}

/** Why an entry could not start now even if it were its turn; null: nothing keeps it. */
function hindrance(
  { entry, lane }: Queued,
  { settings, statuses, machine, held }: Surroundings,
): string | null {
  if (entry.skipped) return 'Skipped: it is passed over until you take that back.';
  if (entry.after !== null) {
    const before = statuses.get(entry.after);
    if (!before)
      return `It was to start after ${entry.after}, which is gone. Let it start without, or remove it.`;
    if (before.state === 'failed' || before.state === 'stopped')
      return `It starts after ${before.name}, which has ${before.state === 'failed' ? 'failed' : 'been stopped'}. Resume that, or let this one start without.`;
    if (before.state !== 'completed') return `It starts after ${before.name}.`;
  }
  if (settings.paused) return 'The queue is paused.';
  const spent = entry.sweep === null ? undefined : held.get(entry.sweep);
  if (spent !== undefined) return spent;
  const memory = machine.memory(lane);
  const needed = entry.forecast.memoryBytes;
  // One that is larger than the machine is not held: the engine refuses it, and says what would fit.
  if (memory && needed !== null && needed > memory.freeBytes && needed <= memory.totalBytes)
    return `It needs ${gigabytes(needed)} of memory; ${gigabytes(memory.freeBytes)} are free now.`;
  return null;
}

export interface Line {
  state: QueueState;
  /** Ids of those to start now, at most one a lane. */
  next: string[];
}

/** The line as it stands: in order, each with why it waits and when it starts. */
export function lineOf(
  queued: readonly Queued[],
  going: readonly Going[],
  settings: QueueSettings,
  statuses: ReadonlyMap<string, RunStatus>,
  machine: Machine,
  held: ReadonlyMap<string, string> = new Map(),
): Line {
  // Seconds until each lane is free; null: nobody knows.
  const until = new Map<string, number | null>();
  for (const { lane, etaSeconds } of going) {
    const known = until.get(lane);
    until.set(lane, known === null || etaSeconds === null ? null : Math.max(known ?? 0, etaSeconds));
  }
  const busy = new Set(until.keys());
  const next: string[] = [];
  let complete = true;
  const items = inOrder(queued).map((one): QueueItem => {
    const { entry, status, lane } = one;
    const why = hindrance(one, { settings, statuses, machine, held });
    const { seconds, memoryBytes } = entry.forecast;
    const free = until.has(lane) ? (until.get(lane) ?? null) : 0;
    if (why === null && !busy.has(lane)) {
      next.push(status.id);
      busy.add(lane);
    }
    if (why === null) until.set(lane, free === null || seconds === null ? null : free + seconds);
    else complete = false;
    return {
      ...{ id: status.id, name: status.name, lane, state: why === null ? 'queued' : 'waiting' },
      ...{ reason: why ?? '', skipped: entry.skipped, after: entry.after, mode: entry.mode },
      sweep: entry.sweep,
      ...{ seconds, memoryBytes, startsInSeconds: why === null ? free : null },
    };
  });
  const ends = [...until.values()];
  const known = complete && ends.every((end) => end !== null);
  const totalSeconds = known ? Math.max(0, ...ends.map(Number)) : null;
  return { state: { settings, items, going: [...going], totalSeconds }, next };
}

/** What those that are not skipped take together, and the memory of the largest; null where no forecast says. */
export function workAhead(items: readonly QueueItem[]): {
  seconds: number | null;
  memoryBytes: number | null;
} {
  const own = items.filter(({ skipped }) => !skipped);
  const memory = own.flatMap((item) => item.memoryBytes ?? []);
  return {
    seconds: own.some(({ seconds }) => seconds === null)
      ? null
      : own.reduce((sum, item) => sum + Number(item.seconds), 0),
    memoryBytes: memory.length === 0 ? null : Math.max(...memory),
  };
}

/** A place in line before `before`, or at the end: between its neighbours; null: they lie too close, and all have to be numbered anew. */
export function placeBefore(line: readonly Queued[], moved: string, before: string | null): number | null {
  const others = inOrder(line).filter(({ status }) => status.id !== moved);
  const at = before === null ? others.length : others.findIndex(({ status }) => status.id === before);
  const place = at < 0 ? others.length : at;
  const [left, right] = [others[place - 1]?.entry.order, others[place]?.entry.order];
  if (left === undefined) return right === undefined ? 0 : right - 1;
  if (right === undefined) return left + 1;
  const middle = (left + right) / 2;
  return left < middle && middle < right ? middle : null;
}
