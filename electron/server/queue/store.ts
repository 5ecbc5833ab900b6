/** The files of the queue: an entry in each queued run's folder, and the settings of the whole beside the runs. */
import { existsSync, readFileSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import type { RunStatus } from '../../shared/runs/events.ts';
import {
  type Going,
  type Line,
  lineOf,
  type Machine,
  type Queued,
  type QueueEntry,
  type QueueSettings,
  queueEntrySchema,
  queueSettingsSchema,
} from '../../shared/runs/queue.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { FileHashes } from '../datasets/file-hashes.ts';
import { writeJsonAtomic } from '../runs/folder.ts';
import type { RunRegistry } from '../runs/registry.ts';
import { isLive, savedStatus } from '../runs/status.ts';
import type { SweepStore } from './sweep-store.ts';

const SETTINGS_FILE = 'queue.json';

/** Null for a run that never was in the queue, and for an entry that cannot be read. */
export function readEntry(runDir: string): QueueEntry | null {
  return readJson(join(runDir, runFiles.queueEntry), queueEntrySchema);
}

export const writeEntry = (runDir: string, entry: QueueEntry): void =>
  writeJsonAtomic(join(runDir, runFiles.queueEntry), entry);

export const readSettings = (home: string): QueueSettings =>
  readJson(join(home, SETTINGS_FILE), queueSettingsSchema) ?? queueSettingsSchema.parse({});

export const writeSettings = (home: string, settings: QueueSettings): void =>
  writeJsonAtomic(join(home, SETTINGS_FILE), settings);

function readJson<T>(path: string, schema: { parse(value: unknown): T }): T | null {
  try {
    return schema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}

/** What a run computes on. Runs with the same lane go one after another; a run over several hosts has a lane of those hosts. */
export function laneOf({ device, hosts }: RunSpec): string {
  return hosts.length === 0 ? device : `${device} on ${hosts.join(', ')}`;
}

/** Reads the specs of runs once: they never change. */
export class Lanes {
  readonly #registry: RunRegistry;
  readonly #known = new Map<string, string>();

  constructor(registry: RunRegistry) {
    this.#registry = registry;
  }

  /** Empty for a run whose spec cannot be read: a lane of its own. */
  of(id: string): string {
    const known = this.#known.get(id);
    if (known !== undefined) return known;
    try {
      const lane = laneOf(this.#registry.spec(id));
      this.#known.set(id, lane);
      return lane;
    } catch {
      return '';
    }
  }
}

export interface Look extends Line {
  queued: Queued[];
  statuses: ReadonlyMap<string, RunStatus>;
}

export interface Surroundings {
  home: string;
  registry: RunRegistry;
  lanes: Lanes;
  sweeps: SweepStore;
  /** Why runs of a sweep are not started, by its id. */
  budgets: { held(): ReadonlyMap<string, string> };
  machine: Machine;
}

/** The queue as the files say now. */
export function lookAt({ home, registry, lanes, sweeps, budgets, machine }: Surroundings): Look {
  sweeps.settle();
  const all = registry.list();
  const statuses = new Map(all.map((status) => [status.id, status]));
  const queued = all.flatMap((status): Queued[] => {
    if (status.state !== 'queued') return [];
    return [{ entry: entryOf(registry, status), status, lane: lanes.of(status.id) }];
  });
  const going = all
    .filter(isLive)
    .map(({ id, name, etaSeconds }): Going => ({ id, name, lane: lanes.of(id), etaSeconds }));
  const line = lineOf(queued, going, readSettings(home), statuses, machine, budgets.held());
  return { ...line, queued, statuses };
}

/** An entry that cannot be read is skipped, not forgotten: whoever lets it take its turn writes it anew. */
function entryOf(registry: RunRegistry, { id, attempt, createdAt }: RunStatus): QueueEntry {
  try {
    const found = readEntry(registry.dir(id));
    if (found) return found;
  } catch {
    // Removed since the list was read.
  }
  const mode = attempt > 0 ? 'resume' : 'start';
  return {
    ...{ v: 1, queuedAt: createdAt, order: 0, mode, after: null, skipped: true, recovered: 0, data: {} },
    ...{ forecast: { seconds: null, memoryBytes: null }, before: null, sweep: null },
    ...{ pauseAt: null, plateau: null, pastBudget: false },
  };
}

/** Whether a run of the queue that shows as failed never said so itself: what it wrote last has it live. A reboot, or a killed supervisor. */
export function wasCutOff(registry: RunRegistry, id: string): boolean {
  try {
    const dir = registry.dir(id);
    return readEntry(dir) !== null && isLive(savedStatus(dir, id));
  } catch {
    return false; // Removed since the list was read.
  }
}

const hashes = new FileHashes();

/** SHA-256 of the data files that a resolved spec names. What is not a file (a folder) is left out. */
export async function dataHashes({ dataset, evaluation }: RunSpec): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  for (const path of [dataset.train, dataset.eval, ...evaluation.sets.map(({ data }) => data)])
    if (path !== null && (await stat(path)).isFile()) found[path] = await hashes.of(path);
  return found;
}

/** Throws where the model of a run that waits is gone, naming it. */
export function requireModel({ model }: Pick<RunSpec, 'model'>): void {
  if (existsSync(model)) return;
  throw new CollieError(
    'model.not_found',
    `The model of this run is gone: ${model} was removed while it waited.`,
    'Import the model again under the same name, then put the run back in the queue; or make a new run with another one.',
    { path: model },
  );
}

/** Throws where a file is not what it was when its hash was taken, naming it. */
export async function requireSameData(frozen: Readonly<Record<string, string>>): Promise<void> {
  for (const [path, hash] of Object.entries(frozen)) {
    if ((await hashes.of(path)) === hash) continue;
    throw new CollieError(
      'dataset.unreadable',
      `${path} is not what it was when this run was queued: its content has changed.`,
      'Make a new run from its settings to train on the present content.',
      { path },
    );
  }
}
