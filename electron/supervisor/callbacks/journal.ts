/** events/callbacks.jsonl: what callbacks have logged and asked for, in the form of events, with a `seq` of its own. */
import { mkdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { appendTextSync } from '../../server/files/write.ts';
import { endOfLines } from '../../server/runs/event-file.ts';
import { readRange } from '../../server/runs/folder.ts';
import { toErrorInfo } from '../../shared/errors.ts';
import type { callbackPayloads } from '../../shared/runs/callbacks.ts';
import { parseLine } from '../../shared/runs/event-line.ts';
import { EVENTS_VERSION, type EventPayload } from '../../shared/runs/events.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import type { Log } from '../log.ts';

const TAIL_BYTES = 64 * 1024;

export class CallbackJournal {
  readonly #path: string;
  readonly #log: Log;
  #seq: number;
  #torn: boolean;
  #failed = false;

  constructor(runDir: string, log: Log) {
    this.#path = join(runDir, runFiles.callbackEvents);
    this.#log = log;
    mkdirSync(dirname(this.#path), { recursive: true });
    const end = endOfLines(this.#path);
    const tail = end === 0 ? '' : readRange(this.#path, Math.max(0, end - TAIL_BYTES), end).toString('utf8');
    this.#seq = (parseLine(tail.trimEnd().split('\n').at(-1) ?? '')?.seq ?? -1) + 1;
    this.#torn = (statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) > end;
  }

  /** A disk that is full costs the metrics, not the run. */
  write<T extends keyof typeof callbackPayloads>(type: T, step: number, payload: EventPayload<T>): void {
    const event = { v: EVENTS_VERSION, rank: 0, seq: this.#seq, timeUs: Date.now() * 1000, step };
    try {
      appendTextSync(this.#path, `${this.#torn ? '\n' : ''}${JSON.stringify({ ...event, type, payload })}\n`);
      this.#torn = false;
      this.#seq += 1;
    } catch (thrown) {
      this.#torn = true;
      if (!this.#failed) this.#log(`what callbacks log could not be written: ${toErrorInfo(thrown).message}`);
      this.#failed = true;
    }
  }
}
