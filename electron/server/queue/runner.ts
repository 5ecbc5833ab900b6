/**
 * The process that starts what is queued. It belongs to no window: any host starts it, one of them gets the lock, and it ends when
 * nothing is left to do. It holds nothing that is not in the files: killed at any moment, the next one goes on from them.
 */
import { existsSync, rmSync } from 'node:fs';
import { totalmem } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { toErrorInfo } from '../../shared/errors.ts';
import type { RunStatus } from '../../shared/runs/events.ts';
import { inOrder, type Machine, type Queued, type QueueEntry } from '../../shared/runs/queue.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import { writeJsonAtomic } from '../runs/folder.ts';
import { takeLock } from '../runs/lock.ts';
import { processRef } from '../runs/process.ts';
import { RunRegistry } from '../runs/registry.ts';
import { isLive, rankAlive, savedStatus } from '../runs/status.ts';
import { freeMemoryBytes } from '../spec/context.ts';
import { Budgets } from './budgets.ts';
import { promote, toPromote } from './halving.ts';
import {
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
import { SweepStore } from './sweep-store.ts';

export const LOCK_FILE = 'queue.lock';
const POLL_MS = 400;
const AFTER_FAULT_MS = 5000;
/** Crashes of a run that the queue mends by itself. */
const MOST_RECOVERIES = 1;

/** Only the memory of this machine is known before a run starts; lanes of GPUs hold one run each. */
export const thisMachine: Machine = {
  memory: (lane) => (lane === 'cpu' ? { freeBytes: freeMemoryBytes(), totalBytes: totalmem() } : null),
};

export class QueueRunner {
  readonly #home: string;
  readonly #registry: RunRegistry;
  readonly #lanes: Lanes;
  readonly #sweeps: SweepStore;
  readonly #budgets: Budgets;
  readonly #log: (line: string) => void;
  /** Live runs of the queue, as of the last look. */
  #watched = new Set<string>();
  /** Failed runs that have said so themselves, by the time of their last word. */
  readonly #settled = new Set<string>();

  constructor(home: string, log: (line: string) => void) {
    this.#home = home;
    this.#registry = new RunRegistry(home);
    this.#lanes = new Lanes(this.#registry);
    this.#sweeps = new SweepStore(home);
    this.#budgets = new Budgets(this.#sweeps, this.#registry);
    this.#log = log;
  }

  /** Resolves when there is nothing left to start or to watch, or another process is at it. */
  async run(): Promise<void> {
    const lock = join(this.#home, LOCK_FILE);
    do {
      if (!takeLock(lock, processRef(process.pid))) return;
      try {
        while (await this.#turnOrWait()) await delay(POLL_MS);
      } finally {
        rmSync(lock, { force: true });
      }
      // What was added after the last look found the lock taken, and relies on this one.
    } while (existsSync(join(this.#home, 'runs')) && this.#hasWork(this.#look()));
  }

  #look(): Look {
    return lookAt({
      ...{ home: this.#home, registry: this.#registry, lanes: this.#lanes },
      ...{ sweeps: this.#sweeps, budgets: this.#budgets, machine: thisMachine },
    });
  }

  /** A full disk, or a library that is out of reach for now, must not end the queue: it looks again, until the library itself is gone. */
  async #turnOrWait(): Promise<boolean> {
    try {
      return await this.#turn();
    } catch (thrown) {
      if (!existsSync(join(this.#home, 'runs'))) return false;
      this.#log(`trying again: ${toErrorInfo(thrown).message}`);
      await delay(AFTER_FAULT_MS);
      return true;
    }
  }

  /** Starts what can start now. False when nothing is left. */
  async #turn(): Promise<boolean> {
    const { statuses } = this.#look();
    await this.#recover([...statuses.values()]);
    this.#heedFailures(statuses);
    for (const id of await this.#budgets.stopRuns(statuses))
      this.#log(`stopping ${id}: the budget of its sweep is spent`);
    let look = this.#look();
    // What goes on has its place before anything of this look is started.
    if (this.#putBack(look)) look = this.#look();
    for (const id of look.next) {
      const one = look.queued.find(({ status }) => status.id === id);
      if (one) await this.#start(one);
    }
    return this.#hasWork(this.#look());
  }

  /** Runs that the queue has stopped itself and that go on now. */
  #putBack(look: Look): boolean {
    const promoted = promote(this.#sweeps, this.#registry, look);
    for (const id of promoted) this.#log(`${id} goes on from its rung`);
    const order = (inOrder(look.queued)[0]?.entry.order ?? 0) - look.statuses.size - promoted.length;
    const freed = this.#budgets.putBack(look.statuses, order);
    for (const id of freed) this.#log(`${id} goes on: the budget of its sweep has been raised`);
    return promoted.length + freed.length > 0;
  }

  #hasWork({ state, statuses }: Look): boolean {
    const watched = [...statuses.values()].some(
      (status) => isLive(status) && this.#entry(status.id) !== null,
    );
    const promotable =
      toPromote(this.#sweeps, this.#registry, statuses).length > 0 ||
      this.#budgets.toPutBack(statuses).length > 0;
    return watched || promotable || (!state.settings.paused && state.items.some(({ skipped }) => !skipped));
  }

  #entry(id: string): QueueEntry | null {
    try {
      return readEntry(this.#registry.dir(id));
    } catch {
      return null; // Removed since the list was read.
    }
  }

  async #start({ entry, status }: Queued): Promise<void> {
    const { id } = status;
    try {
      requireModel(this.#registry.spec(id));
      await requireSameData(entry.data);
      this.#log(`starting ${id}`);
      // The attempt that this look has seen missing: what somebody has started and lost since is not started once more.
      const attempt = status.attempt + 1;
      if (entry.mode === 'start') await this.#registry.start(id, attempt);
      else await this.#registry.resume(id, '', attempt);
    } catch (thrown) {
      const error = toErrorInfo(thrown);
      this.#log(`${id} did not start: ${error.code} ${error.message}`);
      // Taken by somebody else, or removed: then there is nothing to say of it.
      if (error.code === 'run.not_resumable' || error.code === 'run.not_found') return;
      this.#fail(id, thrown);
    }
  }

  #fail(id: string, thrown: unknown): void {
    const dir = this.#registry.dir(id);
    const status = savedStatus(dir, id);
    if (status.state !== 'queued') return;
    const now = new Date().toISOString();
    const ended = { state: 'failed', phase: 'Failed', finishedAt: now, updatedAt: now };
    writeJsonAtomic(join(dir, runFiles.status), { ...status, ...ended, error: toErrorInfo(thrown) });
    this.#afterFailure();
  }

  /** A run of the queue whose supervisor was killed, or whose machine went down, goes on from its checkpoint: once, never in a loop. */
  async #recover(statuses: readonly RunStatus[]): Promise<void> {
    for (const { id, state, updatedAt, attempt } of statuses) {
      if (state !== 'failed' || this.#settled.has(`${id} ${updatedAt}`)) continue;
      const entry = this.#entry(id);
      if (entry === null || !wasCutOff(this.#registry, id) || entry.recovered >= MOST_RECOVERIES) {
        this.#settled.add(`${id} ${updatedAt}`);
      } else if (!rankAlive(this.#registry.dir(id))) {
        writeEntry(this.#registry.dir(id), { ...entry, recovered: entry.recovered + 1 });
        this.#log(`resuming ${id}, whose supervisor ended unexpectedly`);
        await this.#registry
          .resume(id, '', attempt + 1)
          .catch((thrown) => this.#log(`${id}: ${toErrorInfo(thrown).message}`));
      }
    }
  }

  /** With `on_failure: pause`, a run of the queue that fails holds those behind it. */
  #heedFailures(statuses: Look['statuses']): void {
    const failed = [...this.#watched].some((id) => statuses.get(id)?.state === 'failed');
    if (failed) this.#afterFailure();
    const live = [...statuses.values()].filter((status) => isLive(status) && this.#entry(status.id) !== null);
    this.#watched = new Set(live.map(({ id }) => id));
  }

  #afterFailure(): void {
    const settings = readSettings(this.#home);
    if (settings.on_failure !== 'pause' || settings.paused) return;
    this.#log('paused: a run failed');
    writeSettings(this.#home, { ...settings, paused: true });
  }
}
