/** What runs have spent so far, by their events: time and tokens of all attempts, also of steps that were done again. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readEvent } from '../../shared/runs/event-line.ts';
import type { RunEvent } from '../../shared/runs/events.ts';
import { eventsFile } from '../../shared/runs/run-folder.ts';
import type { Spent } from '../../shared/spec/sweep-budget.ts';
import { readRange } from './folder.ts';

const CHUNK_BYTES = 1024 * 1024;
const US_PER_HOUR = 3.6e9;

/** Of one run. Every look reads only what is new. */
class RunMeter {
  readonly #path: string;
  #position = 0;
  #tokens = 0;
  /** Of attempts before the newest, in microseconds. */
  #before = 0;
  #begun = 0;
  #last = 0;

  constructor(runDir: string) {
    this.#path = join(runDir, eventsFile(0));
  }

  read(): Spent {
    const size = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    while (this.#position < size) {
      const piece = readRange(this.#path, this.#position, Math.min(size, this.#position + CHUNK_BYTES));
      // A torn end waits for its rest; a line longer than a piece is no event.
      const end = piece.lastIndexOf(10) + 1 || (piece.length === CHUNK_BYTES ? piece.length : 0);
      if (end === 0) break;
      this.#position += end;
      for (const line of piece.toString('utf8', 0, end).split('\n')) {
        const event = line === '' ? null : readEvent(line);
        if (event) this.#take(event);
      }
    }
    return { hours: (this.#before + this.#last - this.#begun) / US_PER_HOUR, tokens: this.#tokens };
  }

  #take(event: RunEvent): void {
    if (event.type === 'started') {
      this.#before += this.#last - this.#begun;
      this.#begun = event.timeUs;
      this.#last = event.timeUs;
    }
    this.#last = Math.max(this.#last, event.timeUs);
    if (event.type === 'step') this.#tokens += event.payload.metrics.tokens ?? 0;
  }
}

export class Meters {
  readonly #known = new Map<string, RunMeter>();

  /** Of a run's folder; nothing for one that has no events. */
  of(runDir: string): Spent {
    const meter = this.#known.get(runDir) ?? new RunMeter(runDir);
    this.#known.set(runDir, meter);
    return meter.read();
  }
}
