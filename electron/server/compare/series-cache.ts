/** Series of the runs that somebody compares: read once, and of live runs only what is new. */
import { join } from 'node:path';
import { eventsFile } from '../../shared/runs/run-folder.ts';
import { emptySeries, type RunSeries, reduceLines } from '../../shared/runs/series.ts';
import { LineReader } from '../runs/event-file.ts';

interface Entry {
  reader: LineReader;
  series: RunSeries;
  /** Reads of one run follow one another: each goes on where the one before ended. */
  turn: Promise<void>;
}

export class SeriesCache {
  readonly #entries = new Map<string, Entry>();
  readonly #most: number;

  /** `most`: runs that are kept. */
  constructor(most = 600) {
    this.#most = most;
  }

  async get(runDir: string): Promise<RunSeries> {
    const entry = this.#entries.get(runDir) ?? {
      reader: new LineReader(join(runDir, eventsFile(0))),
      series: emptySeries,
      turn: Promise.resolve(),
    };
    this.#entries.delete(runDir);
    this.#entries.set(runDir, entry);
    if (this.#entries.size > this.#most) this.#entries.delete(this.#entries.keys().next().value as string);
    entry.turn = entry.turn.then(() => catchUp(entry));
    await entry.turn;
    return entry.series;
  }
}

async function catchUp(entry: Entry): Promise<void> {
  for (let lines = await entry.reader.next(); lines.length > 0; lines = await entry.reader.next())
    entry.series = reduceLines(entry.series, lines);
}
