/** The queue as hosts and the command line use it. Everything is in files: what one of them changes, the others see. */
import { spawn } from 'node:child_process';
import { closeSync, existsSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import {
  inOrder,
  placeBefore,
  type Queued,
  type QueueEntry,
  type QueueSettings,
  type QueueState,
} from '../../shared/runs/queue.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import type { SweepKind, SweepRecord } from '../../shared/runs/sweep-record.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { META_FILE } from '../datasets/prepare.ts';
import { pause } from '../host/channel.ts';
import { writeJsonAtomic } from '../runs/folder.ts';
import { nodeCommand } from '../runs/launch.ts';
import { lockHolder } from '../runs/lock.ts';
import { isAlive } from '../runs/process.ts';
import { QUEUED } from '../runs/rebuild.ts';
import type { RunRegistry } from '../runs/registry.ts';
import { earlyRules, toPromote } from './halving.ts';
import { LOCK_FILE, thisMachine } from './runner.ts';
import {
  dataHashes,
  Lanes,
  type Look,
  lookAt,
  readEntry,
  readSettings,
  requireSameData,
  wasCutOff,
  writeEntry,
  writeSettings,
} from './store.ts';
import type { CheckedRun } from './sweep.ts';
import { type NewRun, SweepStore } from './sweep-store.ts';

const LOG_FILE = 'queue.log';
const WATCH_MS = 500;

type EntryFacts = Pick<QueueEntry, 'mode' | 'after' | 'data' | 'forecast' | 'before'>;

const newEntry = (order: number, facts: EntryFacts): QueueEntry => ({
  ...{
    v: 1,
    queuedAt: new Date().toISOString(),
    order,
    skipped: false,
    recovered: 0,
    sweep: null,
    pauseAt: null,
    plateau: null,
    ...facts,
  },
});

export class QueueService {
  readonly #home: string;
  readonly #registry: RunRegistry;
  readonly #lanes: Lanes;
  readonly sweeps: SweepStore;

  constructor(home: string, registry: RunRegistry) {
    this.sweeps = new SweepStore(home);
    this.#home = home;
    this.#registry = registry;
    this.#lanes = new Lanes(registry);
  }

  state(): QueueState {
    return this.#look().state;
  }

  /** The whole of it now, and again whenever it has changed. */
  async *watch(signal: AbortSignal): AsyncGenerator<QueueState> {
    let told = '';
    while (!signal.aborted) {
      const state = this.state();
      const text = JSON.stringify(state);
      if (text !== told) yield state;
      told = text;
      await pause(WATCH_MS, signal);
    }
  }

  /** Puts a new run at the end of the line. `spec` is resolved. Returns its id. */
  async add(spec: RunSpec, forecast: QueueEntry['forecast'], after: string | null = null): Promise<string> {
    if (after !== null) this.#registry.dir(after);
    const data = await dataHashes(spec);
    const id = this.#registry.create(
      spec,
      this.#newEntry({ mode: 'start', after, data, forecast, before: null }),
    );
    this.ensureRunner();
    return id;
  }

  /** Puts all runs of a sweep at the end of the line: all of them or, when it throws, none. */
  async addSweep(
    kind: SweepKind,
    name: string,
    definition: unknown,
    runs: readonly CheckedRun[],
  ): Promise<SweepRecord> {
    const record = await this.sweeps.add(kind, name, definition, await this.#entries(runs, definition));
    this.ensureRunner();
    return record;
  }

  /** More runs of a sweep, in the same way. Returns their ids. */
  async extendSweep(id: string, definition: unknown, runs: readonly CheckedRun[]): Promise<string[]> {
    const ids = await this.sweeps.extend(id, definition, await this.#entries(runs, definition));
    this.ensureRunner();
    return ids;
  }

  /** Takes the waiting runs of a sweep out of line and forgets it. */
  async removeSweep(id: string): Promise<void> {
    const { runs } = this.sweeps.get(id);
    const queued = new Set(this.#look().queued.map(({ status }) => status.id));
    for (const run of runs) if (queued.has(run.id)) await this.remove(run.id);
    await this.sweeps.remove(id);
  }

  async #entries(runs: readonly CheckedRun[], definition: unknown): Promise<NewRun[]> {
    const made: NewRun[] = [];
    const rules = earlyRules(definition);
    const last = inOrder(this.#look().queued).at(-1)?.entry.order ?? -1;
    for (const { spec, forecast, values, seed } of runs) {
      const facts = {
        mode: 'start',
        after: null,
        data: await dataHashes(spec),
        forecast,
        before: null,
      } as const;
      made.push({ spec, entry: { ...newEntry(last + 1 + made.length, facts), ...rules }, values, seed });
    }
    return made;
  }

  /** Puts a run that was stopped or has failed back in line: it goes on from its newest checkpoint. Throws run.not_resumable. */
  async retry(id: string): Promise<void> {
    const dir = this.#registry.dir(id);
    const status = this.#registry.status(id);
    if (status.state !== 'stopped' && status.state !== 'failed')
      throw new CollieError(
        'run.not_resumable',
        `The run ${id} cannot be put back in line: it is ${status.state}.`,
        'Only a run that was stopped or has failed can.',
        { id },
      );
    const forecast = readEntry(dir)?.forecast ?? { seconds: null, memoryBytes: null };
    const before = { state: status.state, phase: status.phase };
    // Its tokens are in its folder, once they were prepared: then its data files do not matter any more.
    const prepared = existsSync(join(dir, runFiles.dataDir, META_FILE));
    const data = prepared ? {} : await dataHashes(this.#registry.spec(id));
    const sweep = readEntry(dir)?.sweep ?? null;
    writeEntry(dir, { ...this.#newEntry({ mode: 'resume', after: null, data, forecast, before }), sweep });
    const now = new Date().toISOString();
    writeJsonAtomic(join(dir, runFiles.status), {
      ...status,
      state: 'queued',
      phase: QUEUED,
      updatedAt: now,
    });
    this.ensureRunner();
  }

  /** Before another entry, or to the end. Throws request.invalid for a run that is not in line. */
  move(id: string, before: string | null): void {
    const { queued } = this.#look();
    const { entry } = this.#require(queued, id);
    if (before !== null) this.#require(queued, before);
    const order = placeBefore(queued, id, before);
    if (order === null) {
      this.#numberAnew(queued);
      this.move(id, before);
    } else writeEntry(this.#registry.dir(id), { ...entry, order });
  }

  /** Whole numbers again, in the order that they have. */
  #numberAnew(queued: readonly Queued[]): void {
    inOrder(queued).forEach(({ entry, status }, order) => {
      writeEntry(this.#registry.dir(status.id), { ...entry, order });
    });
  }

  /** Throws request.invalid for a run that is not in line, and for one that would wait for itself. */
  change(id: string, change: { skipped?: boolean | undefined; after?: string | null | undefined }): void {
    const { queued } = this.#look();
    const { entry } = this.#require(queued, id);
    const { skipped = entry.skipped, after = entry.after } = change;
    if (after !== null) this.#requireNoCircle(queued, id, after);
    writeEntry(this.#registry.dir(id), { ...entry, skipped, after });
    this.ensureRunner();
  }

  set(change: { paused?: boolean | undefined; on_failure?: QueueSettings['on_failure'] | undefined }): void {
    const now = readSettings(this.#home);
    const { paused = now.paused, on_failure = now.on_failure } = change;
    writeSettings(this.#home, { ...now, paused, on_failure });
    this.ensureRunner();
  }

  /** Takes an entry out: a run that never began is deleted, one that was put back in line is what it was before. */
  async remove(id: string): Promise<void> {
    const { entry, status } = this.#require(this.#look().queued, id);
    if (entry.before === null) return this.#registry.remove(id);
    const dir = this.#registry.dir(id);
    writeJsonAtomic(join(dir, runFiles.status), { ...status, ...entry.before });
  }

  /** Starts it beside whatever is running. */
  async startNow(id: string): Promise<void> {
    const { entry } = this.#require(this.#look().queued, id);
    await requireSameData(entry.data);
    if (entry.mode === 'start') await this.#registry.start(id);
    else await this.#registry.resume(id);
    this.ensureRunner();
  }

  /** At the start of a host: goes on with what an earlier one, or the machine's end, has left. */
  wake(): void {
    try {
      const { state, statuses } = this.#look();
      const cutOff = [...statuses.values()].some(
        ({ id, state }) => state === 'failed' && wasCutOff(this.#registry, id),
      );
      const promotable = toPromote(this.sweeps, this.#registry, statuses).length > 0;
      if (state.items.length > 0 || cutOff || promotable) this.ensureRunner();
    } catch {
      // The home folder is out of reach for now: the next change, or the next host, looks again.
    }
  }

  /**
   * Starts the process that starts the others, unless one is at it. Returns at once. One that is about to end looks once more after it
   * has given the lock up: who finds the lock taken, after writing an entry, relies on that.
   */
  ensureRunner(): void {
    const holder = lockHolder(join(this.#home, LOCK_FILE));
    if (holder && isAlive(holder)) return;
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
    const { command, args, env } = nodeCommand(new URL(`./main.${extension}`, import.meta.url));
    const log = openSync(join(this.#home, LOG_FILE), 'a', 0o600);
    try {
      const child = spawn(command, [...args, this.#home], {
        detached: true,
        stdio: ['ignore', log, log],
        env,
      });
      child.on('error', () => {}); // The queue that does not move tells; the next change tries again.
      child.unref();
    } finally {
      closeSync(log);
    }
  }

  #look(): Look {
    return lookAt(this.#home, this.#registry, this.#lanes, thisMachine);
  }

  #newEntry(facts: EntryFacts): QueueEntry {
    const last = inOrder(this.#look().queued).at(-1);
    return newEntry(last === undefined ? 0 : last.entry.order + 1, facts);
  }

  #require(queued: readonly Queued[], id: string): Queued {
    const found = queued.find(({ status }) => status.id === id);
    if (found) return found;
    const { state } = this.#registry.status(id);
    throw new CollieError(
      'request.invalid',
      `The run ${id} is not in the queue: it is ${state}.`,
      'The Queue page and `collie queue` show what is.',
      { id },
    );
  }

  #requireNoCircle(queued: readonly Queued[], id: string, after: string): void {
    this.#registry.dir(after);
    const seen = new Set([id]);
    for (let next: string | null = after; next !== null; ) {
      if (seen.has(next))
        throw new CollieError(
          'request.invalid',
          `${id} cannot start after ${after}: that one waits for it already.`,
          'Take one of them back first.',
          { id, after },
        );
      seen.add(next);
      next = queued.find(({ status }) => status.id === next)?.entry.after ?? null;
    }
  }
}
