/** The series of a run from its events file, read whole, and kept for those that are looked at again. */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { eventsFile, runFiles } from '../../shared/runs/run-folder.ts';
import { emptySeries, type RunSeries, reduceChecked } from '../../shared/runs/series.ts';
import { LineReader } from './event-file.ts';
import { eventsIn } from './event-reader.ts';
import { isWorthKeeping, keptFile, loadSeries, saveSeries } from './kept-series.ts';

const KEEP_AFTER_MS = 1500;
/** A few milliseconds of work, between which others have their turn. */
const PIECE_BYTES = 1024 * 1024;

/** All that has been measured up to now; an empty series before the first event. Gives other work a turn between pieces of the file. */
export const readSeries = (runDir: string): Promise<RunSeries> => new GrowingSeries(runDir).newest();

/** Reads the series of a run only to keep it; reads on behind what is kept already. */
export async function keepSeries(runDir: string, kept: string): Promise<void> {
  const growing = new GrowingSeries(runDir, kept);
  await growing.newest();
  await growing.keep();
}

/** Reads on where it stopped. */
class GrowingSeries {
  readonly #path: string;
  /** Of callbacks and monitors, whose metrics are told after the steps that they are of. */
  readonly #besides: readonly LineReader[];
  /** Where it is kept between hosts; null: nowhere. */
  readonly #kept: string | null;
  #reader: LineReader;
  #loaded = false;
  #keptBytes = 0;
  #series = emptySeries;
  #size = 0;
  #reading: Promise<RunSeries> = Promise.resolve(emptySeries);

  constructor(runDir: string, kept: string | null = null) {
    this.#path = join(runDir, eventsFile(0));
    this.#kept = kept;
    this.#reader = new LineReader(this.#path);
    const besides = [runFiles.callbackEvents, runFiles.monitorEvents];
    this.#besides = besides.map((file) => new LineReader(join(runDir, file)));
  }

  /** False: the file is shorter than it was, so it is another one. */
  get valid(): boolean {
    return (statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0) >= this.#size;
  }

  /** Held in memory. */
  get steps(): number {
    return this.#series.steps.length;
  }

  newest(): Promise<RunSeries> {
    const read = () => this.#readOn();
    this.#reading = this.#reading.then(read, read);
    return this.#reading;
  }

  async #readOn(): Promise<RunSeries> {
    await this.#load();
    const told: Buffer[] = [];
    for (const lines of this.#besides) for await (const piece of lines.pieces(PIECE_BYTES)) told.push(piece);
    for await (const piece of this.#reader.pieces(PIECE_BYTES))
      this.#series = reduceChecked(this.#series, eventsIn(piece));
    for (const piece of told) this.#series = reduceChecked(this.#series, eventsIn(piece));
    this.#size = this.#reader.position;
    return this.#series;
  }

  async #load(): Promise<void> {
    if (this.#loaded) return;
    this.#loaded = true;
    const kept = this.#kept === null ? null : await loadSeries(this.#kept, this.#path);
    if (kept === null) return;
    this.#series = kept.series;
    this.#reader = new LineReader(this.#path, kept.bytes);
    this.#keptBytes = kept.bytes;
  }

  /** Writes down what has been read, where so much of it is new that it is worth it. */
  async keep(): Promise<void> {
    const [series, bytes] = [this.#series, this.#size];
    if (this.#kept === null || !isWorthKeeping(series, bytes, this.#keptBytes)) return;
    this.#keptBytes = bytes;
    await saveSeries(this.#kept, this.#path, { series, bytes });
  }

  /** Nobody waits for it: only when who asked has had the answer, as writing it down takes as long as sending it. */
  keepLater(): void {
    if (this.#kept === null || !isWorthKeeping(this.#series, this.#size, this.#keptBytes)) return;
    setTimeout(() => inTurn(() => this.keep()), KEEP_AFTER_MS).unref();
  }
}

let saving: Promise<void> = Promise.resolve();

/** One after another: a comparison reads hundreds at once, and what is written then must not be felt. */
function inTurn(save: () => Promise<void>): void {
  saving = saving.then(save);
}

/** What is kept: a step takes about 150 bytes, so this is some 250 MB at most; runs of a comparison are hundreds of short ones or a few long ones. */
const MOST_STEPS = 1_600_000;
const MOST_RUNS = 600;

/** The series of runs that somebody looks at: read once, and of live runs only what is new. */
export class SeriesCache {
  readonly #kept = new Map<string, GrowingSeries>();
  readonly #most: { steps: number; runs: number };
  readonly #folder: string | null;

  /** `folder`: where those of long runs are kept between hosts; null: nowhere. */
  constructor(most = { steps: MOST_STEPS, runs: MOST_RUNS }, folder: string | null = null) {
    this.#most = most;
    this.#folder = folder;
  }

  async get(runDir: string): Promise<RunSeries> {
    const known = this.#kept.get(runDir);
    const kept = this.#folder === null ? null : keptFile(this.#folder, basename(runDir));
    const series = known?.valid ? known : new GrowingSeries(runDir, kept);
    this.#kept.delete(runDir);
    this.#kept.set(runDir, series); // the newest last
    const newest = await series.newest();
    series.keepLater();
    this.#letGo();
    return newest;
  }

  /** Those that were asked for longest ago; the newest stays, however long it is. */
  #letGo(): void {
    let steps = 0;
    for (const series of this.#kept.values()) steps += series.steps;
    for (const [oldest, series] of this.#kept) {
      const fits = steps <= this.#most.steps && this.#kept.size <= this.#most.runs;
      if (fits || this.#kept.size === 1) break;
      this.#kept.delete(oldest);
      steps -= series.steps;
    }
  }
}
