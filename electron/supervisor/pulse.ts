/**
 * Whether ranks that say nothing still do something. A step of a large model may take minutes without an event, but it computes or waits busily
 * for the device; one that is stuck (in a dead network file system, in a driver, stopped by a debugger) uses no processor time at all.
 * Of several ranks a watchdog in the engine notices it earlier and says who is missing; a single rank has nobody who waits for it.
 */
import type { ProcessRef } from '../server/runs/process.ts';
import { CollieError } from '../shared/errors.ts';
import { processorTicks, TICKS_PER_SECOND } from './monitors/proc.ts';

const LOOK_MS = 2_000;
/** Threads that only look at the clock take less of a processor than this. */
const IDLE_SHARE = 0.02;

export class Pulse {
  #since = performance.now();
  #looked = Number.NEGATIVE_INFINITY;
  #ticks = 0;
  #ticksThen = 0;
  readonly #ticksOf: (process: ProcessRef) => number | null;

  readonly #limitSeconds: number;
  #hung: CollieError | null = null;

  /** `ticksOf`: processor time of a process so far; null where the system does not tell, which counts as alive. */
  constructor(
    limitSeconds: number,
    ticksOf: (process: ProcessRef) => number | null = ({ pid }) => processorTicks(pid),
  ) {
    this.#limitSeconds = limitSeconds;
    this.#ticksOf = ticksOf;
  }

  /** A rank has said something. */
  sign(): void {
    this.#since = performance.now();
    this.#ticksThen = this.#ticks;
  }

  /** Why the ranks of this attempt were given up; null as long as they were not. */
  get hung(): CollieError | null {
    return this.#hung;
  }

  /** The error when these processes have just been found to be stuck. */
  look(processes: readonly ProcessRef[]): CollieError | null {
    if (this.#hung || processes.length === 0) return null;
    const seconds = this.stillSeconds(processes);
    if (seconds > this.#limitSeconds) this.#hung = hungError(processes, seconds);
    return this.#hung;
  }

  /** For how long these processes have neither said nor computed anything. */
  stillSeconds(processes: readonly ProcessRef[]): number {
    const now = performance.now();
    if (now - this.#looked < LOOK_MS) return 0;
    const before = this.#looked;
    this.#looked = now;
    const ticks = processes.map(this.#ticksOf);
    const known = ticks.filter((value) => value !== null);
    this.#ticks = known.reduce((sum, value) => sum + value, 0);
    const seconds = (now - this.#since) / 1000;
    const busy = (this.#ticks - this.#ticksThen) / TICKS_PER_SECOND;
    // What started, ended or cannot be seen, and our own sleep (a suspended machine), say nothing about the ranks.
    const unknown = known.length < processes.length || this.#ticks < this.#ticksThen;
    const asleep = before > 0 && now - before > 30 * LOOK_MS;
    if (unknown || asleep || busy > seconds * IDLE_SHARE) this.sign();
    return (now - this.#since) / 1000;
  }
}

function hungError(processes: readonly ProcessRef[], seconds: number): CollieError {
  const pids = processes.map(({ pid }) => pid);
  const who =
    pids.length === 1 ? `The training process (${pids[0]})` : `The training processes (${pids.join(', ')})`;
  return new CollieError(
    'rank.hung',
    `${who} neither computed nor said anything for ${Math.round(seconds)} seconds.`,
    'Resume the run. If it comes again, look at the disk or network file system and at the driver of the device.',
    { pids, seconds: Math.round(seconds) },
  );
}
