/** The queue as hosts and the command line use it. Everything is in files: what one of them changes, the others see. */
import { existsSync } from 'node:fs';
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
import { trustedCallbacks } from '../callbacks/record.ts';
import { META_FILE } from '../datasets/own-data.ts';
import { pause } from '../host/channel.ts';
import { AllowedJudges } from '../judge/allowed.ts';
import { writeJsonAtomic } from '../runs/folder.ts';
import { lockHolder } from '../runs/lock.ts';
import { isAlive, type ProcessRef } from '../runs/process.ts';
import { QUEUED } from '../runs/rebuild.ts';
import type { RunRegistry } from '../runs/registry.ts';
import { readRungs } from '../runs/rungs.ts';
import { Budgets } from './budgets.ts';
import { requireNoCircle } from './circle.ts';
import { earlyRules, toPromote } from './halving.ts';
import { type EntryFacts, newEntry, newRuns } from './new-entries.ts';
import { LOCK_FILE, thisMachine } from './runner.ts';
import { spawnRunner } from './spawn-runner.ts';
import {
  dataHashes,
  Lanes,
  type Look,
  lookAt,
  readEntry,
  readSettings,
  requireModel,
  requireSameData,
  wasCutOff,
  writeEntry,
  writeSettings,
} from './store.ts';
import type { CheckedRun } from './sweep.ts';
import { SweepStore } from './sweep-store.ts';

const WATCH_MS = 500;
/** Between the crashes of processes that start what is queued. */
const MOST_DELAY_MS = 60_000;

export class QueueService {
  readonly #home: string;
  readonly #registry: RunRegistry;
  readonly #lanes: Lanes;
  readonly sweeps: SweepStore;
  readonly budgets: Budgets;
  /** The process that we have started last. */
  #starting: ProcessRef | null = null;
  /** How many of ours have crashed since one ended by itself. */
  #crashes = 0;

  constructor(home: string, registry: RunRegistry) {
    this.sweeps = new SweepStore(home);
    this.budgets = new Budgets(this.sweeps, registry);
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
    const entry = this.#newEntry({ mode: 'start', after, data, forecast, before: null });
    const id = this.#registry.create(spec, { entry });
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
    const entries = await newRuns(runs, definition, this.#look().queued);
    const record = await this.sweeps.add(kind, name, definition, entries);
    this.ensureRunner();
    return record;
  }

  /** More runs of a sweep, in the same way; those that wait heed its rules as they are now. Returns the ids of the new ones. */
  async extendSweep(id: string, definition: unknown, runs: readonly CheckedRun[]): Promise<string[]> {
    const { queued } = this.#look();
    const ids = await this.sweeps.extend(id, definition, await newRuns(runs, definition, queued));
    for (const { entry, status } of queued)
      if (entry.sweep === id) {
        const dir = this.#registry.dir(status.id);
        writeEntry(dir, { ...entry, ...earlyRules(definition, readRungs(dir).length) });
      }
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
    trustedCallbacks(dir, this.#home);
    new AllowedJudges(this.#home).require(this.#registry.spec(id));
    const forecast = readEntry(dir)?.forecast ?? { seconds: null, memoryBytes: null };
    const before = { state: status.state, phase: status.phase };
    // Its tokens are in its folder, once they were prepared: then its data files do not matter any more.
    const prepared = existsSync(join(dir, runFiles.dataDir, META_FILE));
    const data = prepared ? {} : await dataHashes(this.#registry.spec(id));
    // It belongs to its sweep as before, and heeds its rules.
    const { sweep = null, pauseAt = null, plateau = null } = readEntry(dir) ?? {};
    const entry = this.#newEntry({ mode: 'resume', after: null, data, forecast, before });
    writeEntry(dir, { ...entry, sweep, pauseAt, plateau });
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
    if (after !== null) requireNoCircle(this.#registry, queued, id, after);
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
    requireModel(this.#registry.spec(id));
    await requireSameData(entry.data);
    this.budgets.letGo(id);
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
      const promotable =
        toPromote(this.sweeps, this.#registry, statuses).length > 0 ||
        this.budgets.toPutBack(statuses).length > 0;
      if (state.items.length > 0 || cutOff || promotable) this.ensureRunner();
    } catch {
      // The home folder is out of reach for now: the next change, or the next host, looks again.
    }
  }

  /**
   * Starts the process that starts the others, unless one is at it. Returns at once. One that is about to end looks once more after it
   * has given the lock up: who finds the lock taken, after writing an entry, relies on that. One that we have started and that has not come as
   * far as the lock needs no second; when it ends, what it may have missed is looked at.
   */
  ensureRunner(): void {
    const holder = lockHolder(join(this.#home, LOCK_FILE));
    if (holder && isAlive(holder)) return;
    if (this.#starting && isAlive(this.#starting)) return;
    const child = spawnRunner(this.#home, (byItself) => this.#ended(child, byItself));
    this.#starting = child;
  }

  /** By itself: it saw nothing to do. Killed, or a crash: another one goes on, later each time, so that one that always crashes costs nothing. */
  #ended(child: ProcessRef | null, byItself: boolean): void {
    // The end of one that was killed may be heard of after another was started.
    if (this.#starting === child) this.#starting = null;
    this.#crashes = byItself ? 0 : this.#crashes + 1;
    if (byItself) this.#wakeAfter();
    else setTimeout(() => this.#wakeAfter(), Math.min(MOST_DELAY_MS, 500 * 2 ** this.#crashes)).unref();
  }

  /** An entry that was written while the one before still lived is looked at here. */
  #wakeAfter(): void {
    try {
      const { settings, items } = this.state();
      if (!settings.paused && items.some(({ skipped }) => !skipped)) this.ensureRunner();
    } catch {
      // The library is gone, or out of reach for now.
    }
  }

  #look(): Look {
    return lookAt({
      ...{ home: this.#home, registry: this.#registry, lanes: this.#lanes },
      ...{ sweeps: this.sweeps, budgets: this.budgets, machine: thisMachine },
    });
  }

  #newEntry(facts: EntryFacts): QueueEntry {
    return newEntry(this.#look().queued, facts);
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
}
