/** Which ranks there are, where, and how they fare: from their own events, and from whether their processes live. */
import { hostname } from 'node:os';
import { isAlive, type ProcessRef, processRef } from '../server/runs/process.ts';
import type { RankStatus, RunEvent } from '../shared/runs/events.ts';
import { type ParallelSpec, placeOf, worldSize } from '../shared/spec/parallel-fields.ts';

const waiting = (parallel: ParallelSpec, rank: number): RankStatus => ({
  rank,
  host: '',
  pid: null,
  ...placeOf(parallel, rank),
  state: 'starting',
  step: null,
  stepSeconds: null,
  waitSeconds: null,
  memoryBytes: null,
  memoryPeakBytes: null,
});

export class RankTable {
  readonly #ranks: RankStatus[];
  /** Processes on this machine, by rank: of others the system does not tell. */
  readonly #processes = new Map<number, ProcessRef>();
  readonly #gone: number[] = [];
  readonly #host: string;

  constructor(parallel: ParallelSpec, host = hostname()) {
    this.#host = host;
    this.#ranks = Array.from({ length: worldSize(parallel) }, (_, rank) => waiting(parallel, rank));
  }

  get ranks(): RankStatus[] {
    return [...this.#ranks];
  }
  /** Ranks whose processes ended before the run did, the first first. */
  get gone(): readonly number[] {
    return this.#gone;
  }
  get processes(): readonly ProcessRef[] {
    return [...this.#processes.values()];
  }

  /** Of those on this machine, by rank. */
  get pids(): ReadonlyMap<number, number> {
    return new Map([...this.#processes].map(([rank, { pid }]) => [rank, pid]));
  }

  /** Takes note of an event of any rank. Returns whether it changed the table. */
  see(event: RunEvent): boolean {
    if (event.type === 'started') {
      const { pid, host } = event.payload;
      if (pid !== undefined && (host ?? this.#host) === this.#host)
        this.#processes.set(event.rank, processRef(pid));
      return this.#change(event.rank, { state: 'alive', pid: pid ?? null, host: host ?? this.#host });
    }
    if (event.type !== 'rank_step') return false;
    const { step_seconds, wait_seconds, memory_bytes, memory_peak_bytes } = event.payload;
    return this.#change(event.rank, {
      step: event.step,
      stepSeconds: step_seconds,
      waitSeconds: wait_seconds,
      memoryBytes: memory_bytes,
      memoryPeakBytes: memory_peak_bytes,
    });
  }

  /** Looks which processes are gone. Returns whether it changed the table. */
  look(): boolean {
    const lost = [...this.#processes].filter(
      ([rank, ref]) => this.#ranks[rank]?.state === 'alive' && !isAlive(ref),
    );
    for (const [rank] of lost) {
      this.#gone.push(rank);
      this.#change(rank, { state: 'gone' });
    }
    return lost.length > 0;
  }

  /** All processes have ended: because of the rank `died`, or (null) as they should. */
  end(died: number | null): void {
    for (const { rank } of this.#ranks) this.#change(rank, { state: rank === died ? 'gone' : 'ended' });
  }

  #change(rank: number, change: Partial<RankStatus>): boolean {
    const now = this.#ranks[rank];
    if (!now) return false;
    this.#ranks[rank] = { ...now, ...change };
    return true;
  }
}
