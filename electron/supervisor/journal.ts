/** A stream of events that the supervisor writes (shared/runs/event-streams.ts), in the form of those of a rank, with a `seq` of its own. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import type { z } from 'zod';
import { appendTextSync } from '../server/files/write.ts';
import { endOfLines } from '../server/runs/event-file.ts';
import { readRange } from '../server/runs/folder.ts';
import { toErrorInfo } from '../shared/errors.ts';
import { parseLine } from '../shared/runs/event-line.ts';
import { EVENTS_VERSION } from '../shared/runs/events.ts';
import type { Log } from './log.ts';

const TAIL_BYTES = 64 * 1024;

/** `Payloads`: of its types of events. */
export class EventJournal<Payloads extends Readonly<Record<string, z.ZodType>>> {
  readonly #path: string;
  readonly #what: string;
  readonly #log: Log;
  #seq: number;
  #torn: boolean;
  #failed = false;

  /** `what`: in the log, when it cannot be written. */
  constructor(path: string, what: string, log: Log) {
    this.#path = path;
    this.#what = what;
    this.#log = log;
    mkdirSync(dirname(this.#path), { recursive: true });
    const end = endOfLines(this.#path);
    const tail = end === 0 ? '' : readRange(this.#path, Math.max(0, end - TAIL_BYTES), end).toString('utf8');
    this.#seq = (parseLine(tail.trimEnd().split('\n').at(-1) ?? '')?.seq ?? -1) + 1;
    this.#torn = (statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) > end;
  }

  /** A disk that is full costs what is told, not the run. */
  write<T extends keyof Payloads & string>(type: T, step: number, payload: z.infer<Payloads[T]>): void {
    const event = { v: EVENTS_VERSION, rank: 0, seq: this.#seq, timeUs: Date.now() * 1000, step };
    try {
      appendTextSync(this.#path, `${this.#torn ? '\n' : ''}${JSON.stringify({ ...event, type, payload })}\n`);
      this.#torn = false;
      this.#seq += 1;
    } catch (thrown) {
      this.#torn = true;
      if (!this.#failed) this.#log(`${this.#what} could not be written: ${toErrorInfo(thrown).message}`);
      this.#failed = true;
    }
  }
}
