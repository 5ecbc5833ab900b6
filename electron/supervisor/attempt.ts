/** One attempt of a run: its processes from their start to their end, what their events say of them, and why they failed. */
import { setTimeout as delay } from 'node:timers/promises';
import { newestCheckpoint } from '../server/runs/checkpoints.ts';
import { resumeHint } from '../server/runs/status.ts';
import type { CollieError } from '../shared/errors.ts';
import { readEvent } from '../shared/runs/event-line.ts';
import type { EventPayload, RankStatus, RunEvent } from '../shared/runs/events.ts';
import { worldSize } from '../shared/spec/parallel-fields.ts';
import type { RunSpec } from '../shared/spec/run-spec.ts';
import type { Log } from './log.ts';
import { killAll } from './process-tree.ts';
import { Pulse } from './pulse.ts';
import { RankEvents } from './rank-events.ts';
import { type RankError, type RankExit, rankFailure } from './rank-failure.ts';
import { RankGroup } from './rank-group.ts';
import { RankTable } from './rank-table.ts';
import { requireFolder } from './recovery.ts';
import { StopTimeout } from './stop-timeout.ts';

const POLL_MS = 150;

/** Who makes the attempt. */
export interface AttemptOwner {
  log: Log;
  /** Gets every event, of all ranks. The next one waits for it. */
  see(event: RunEvent): Promise<void>;
  /** How the ranks fare has changed. */
  ranks(ranks: RankStatus[]): void;
  /** Again and again while they live, with their processes on this machine by rank. */
  look(pids: ReadonlyMap<number, number>): void;
  /** Whether they have been asked to stop. */
  stopping(): boolean;
}

export class Attempt {
  readonly #runDir: string;
  readonly #owner: AttemptOwner;
  readonly #events: RankEvents;
  readonly #group: RankGroup;
  readonly #table: RankTable;
  readonly #timeout = new StopTimeout();
  readonly #pulse: Pulse;
  readonly #gone = new AbortController();
  readonly #errors: RankError[] = [];
  #finished: EventPayload<'finished'> | null = null;
  /** Held between two steps: ranks that do nothing then are not stuck. */
  #paused = false;

  /** Starts them. `work`: the command of collie-rank. Throws as `RankGroup`. */
  constructor(runDir: string, spec: RunSpec, work: string[], owner: AttemptOwner) {
    this.#runDir = runDir;
    this.#owner = owner;
    this.#events = new RankEvents(runDir, worldSize(spec.parallel));
    this.#group = new RankGroup(runDir, spec, work);
    this.#table = new RankTable(spec.parallel);
    this.#pulse = new Pulse(spec.parallel.hang_timeout);
  }

  /** Of the only rank, or of the launcher. */
  get pid(): number | null {
    return this.#group.pid;
  }
  get ranks(): RankStatus[] {
    return this.#table.ranks;
  }
  /** What the first rank said at its end. */
  get finished(): EventPayload<'finished'> | null {
    return this.#finished;
  }
  /** Aborted once the processes have ended. */
  get gone(): AbortSignal {
    return this.#gone.signal;
  }

  /** Reaches the first rank, who tells the others. */
  tell<M extends { command: string }>(message: M): void {
    this.#group.tell(message);
  }

  /** They save a checkpoint and end by themselves, within the time that `StopTimeout` gives them. */
  stop(): void {
    this.#timeout.sign();
    this.tell({ command: 'stop' });
  }

  kill(): void {
    this.#group.kill(this.#table.processes);
  }

  /** They have lived up to now, whatever they did: they waited for us. */
  sign(): void {
    this.#timeout.sign();
    this.#pulse.sign();
  }

  /** Passes their events on until they have ended. Rejects for a program that cannot be started. */
  async follow(): Promise<RankExit> {
    let ended = false;
    // Ranks that could not be started reject; the race below throws that.
    void this.#group.exited
      .then(() => {
        ended = true;
        this.#gone.abort();
      })
      .catch(() => {});
    for (;;) {
      const endedBefore = ended;
      const lines = await this.#events.next();
      for (const line of lines) await this.#see(line);
      if (!endedBefore) this.#look();
      if (lines.length > 0) continue;
      // Ended before that last look: nothing more will come.
      if (endedBefore) break;
      this.#watch();
      requireFolder(this.#runDir);
      await Promise.race([this.#group.exited, delay(POLL_MS)]);
    }
    // A launcher that was killed leaves its ranks behind.
    killAll(this.#table.processes);
    return this.#group.exited;
  }

  /** Why it failed; null when it ended as requested. `killed`: it was asked to end at once. */
  failure(exit: RankExit, killed: boolean): CollieError | null {
    const requested = killed || (exit.code === 0 && this.#finished !== null);
    const failure = requested ? null : this.#cause(exit);
    const died = failure?.data.rank;
    this.#table.end(typeof died === 'number' ? died : null);
    this.#owner.ranks(this.#table.ranks);
    return failure;
  }

  async #see(line: string): Promise<void> {
    const event = readEvent(line);
    if (event === null) return this.#owner.log(`unreadable event: ${line.slice(0, 200)}`);
    this.sign();
    if (event.type === 'error')
      this.#errors.push({ rank: event.rank, timeUs: event.timeUs, error: event.payload });
    if (this.#table.see(event)) this.#owner.ranks(this.#table.ranks);
    if (event.rank === 0 && event.type === 'phase') this.#paused = event.payload.name === 'paused';
    if (event.rank === 0 && event.type === 'finished') this.#finished = event.payload;
    await this.#owner.see(event);
  }

  #look(): void {
    this.#owner.look(this.#table.pids);
    if (this.#table.look()) this.#owner.ranks(this.#table.ranks);
  }

  /** Ends those by force that are stuck, or go on where one has failed. */
  #watch(): void {
    const { gone, processes } = this.#table;
    if (this.#paused) this.#pulse.sign();
    const failed = !this.#finished && (this.#errors.length > 0 || gone.length > 0);
    const hung = this.#pulse.look(processes)?.message.slice(0, -1);
    const why = hung ?? this.#timeout.over({ stopping: this.#owner.stopping(), failed });
    if (why === null) return;
    this.#owner.log(`${why}: ending by force`);
    this.kill();
  }

  #cause(exit: RankExit): CollieError {
    if (this.#pulse.hung) return this.#pulse.hung;
    const hint = resumeHint(newestCheckpoint(this.#runDir)?.name ?? null);
    const { gone, ranks } = this.#table;
    const pids = ranks.map(({ pid }) => pid);
    return rankFailure({ ...this.#group.evidence(), exit, errors: this.#errors, gone, pids, hint });
  }
}
