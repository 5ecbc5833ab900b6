/** The series of a run from its events file, read whole, and kept for those that are looked at again. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { eventsFile } from '../../shared/runs/run-folder.ts';
import { emptySeries, type RunSeries, reduceLines } from '../../shared/runs/series.ts';
import { LineReader } from './event-file.ts';

/** All that has been measured up to now; an empty series before the first event. Gives other work a turn between pieces of the file. */
export const readSeries = (runDir: string): Promise<RunSeries> => new GrowingSeries(runDir).newest();

/** Reads on where it stopped. */
class GrowingSeries {
  readonly #path: string;
  readonly #reader: LineReader;
  #series = emptySeries;
  #size = 0;
  #reading: Promise<RunSeries> = Promise.resolve(emptySeries);

  constructor(runDir: string) {
    this.#path = join(runDir, eventsFile(0));
    this.#reader = new LineReader(this.#path);
  }

  /** False: the file is shorter than it was, so it is another one. */
  get valid(): boolean {
    return (statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) >= this.#size;
  }

  newest(): Promise<RunSeries> {
    const read = () => this.#readOn();
    this.#reading = this.#reading.then(read, read);
    return this.#reading;
  }

  async #readOn(): Promise<RunSeries> {
    for (let lines = await this.#reader.next(); lines.length > 0; lines = await this.#reader.next())
      this.#series = reduceLines(this.#series, lines);
    this.#size = this.#reader.position;
    return this.#series;
  }
}

/** Runs kept; one of 100,000 steps takes about 15 MB. */
const KEPT = 4;

export class SeriesCache {
  readonly #kept = new Map<string, GrowingSeries>();

  get(runDir: string): Promise<RunSeries> {
    const known = this.#kept.get(runDir);
    const series = known?.valid ? known : new GrowingSeries(runDir);
    this.#kept.delete(runDir);
    this.#kept.set(runDir, series); // the newest last
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= KEPT) break;
      this.#kept.delete(oldest);
    }
    return series.newest();
  }
}
