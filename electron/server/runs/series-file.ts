/** The series of a run from its events file, read whole, and kept for those that are looked at again. */
import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { Bytes } from '../../shared/api/bytes.ts';
import { eventsFile, runFiles } from '../../shared/runs/run-folder.ts';
import { Draft, emptySeries, type RunSeries } from '../../shared/runs/series.ts';
import { decodeSeries, type EncodedSeries, encodeSeries } from '../../shared/runs/series-codec.ts';
import { LineReader } from './event-file.ts';
import { EventReader } from './event-reader.ts';
import { isWorthKeeping, keptFile, loadSeries, saveSeries, type Told } from './kept-series.ts';

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
  /** Where it is kept between hosts; null: nowhere. */
  readonly #kept: string | null;
  /** The events of rank 0 first; those of callbacks and monitors, whose metrics are told after the steps that they are of, behind. */
  readonly #paths: readonly string[];
  #readers: readonly LineReader[];
  #loaded = false;
  #keptBytes = 0;
  /** One of the two at least. Of a run that was kept and has not gone on, nothing is unpacked until somebody wants its numbers. */
  #series: RunSeries | null = emptySeries;
  #encoded: EncodedSeries | null = null;
  #size = 0;
  #reading: Promise<void> = Promise.resolve();

  constructor(runDir: string, kept: string | null = null) {
    this.#kept = kept;
    const files = [eventsFile(0), runFiles.callbackEvents, runFiles.monitorEvents];
    this.#paths = files.map((file) => join(runDir, file));
    this.#readers = this.#paths.map((path) => new LineReader(path));
  }

  /** False: the file is shorter than it was, so it is another one. */
  get valid(): boolean {
    return (statSync(this.#paths[0] ?? '', { throwIfNoEntry: false })?.size ?? 0) >= this.#size;
  }

  /** Held in memory. */
  get steps(): number {
    return (this.#series ?? this.#encoded)?.steps.length ?? 0;
  }

  async newest(): Promise<RunSeries> {
    await this.#read();
    return this.#decoded();
  }

  /** As it is sent. */
  async newestEncoded(): Promise<EncodedSeries> {
    await this.#read();
    return this.#asSent();
  }

  #read(): Promise<void> {
    const read = () => this.#readOn();
    this.#reading = this.#reading.then(read, read);
    return this.#reading;
  }

  #decoded(): RunSeries {
    this.#series ??= this.#encoded ? decodeSeries(this.#encoded) : emptySeries;
    return this.#series;
  }

  #asSent(): EncodedSeries {
    this.#encoded ??= encodeSeries(this.#decoded(), (bytes) => new Bytes(bytes));
    return this.#encoded;
  }

  async #readOn(): Promise<void> {
    await this.#load();
    const [events, ...besides] = this.#readers;
    const told: Buffer[] = [];
    for (const lines of besides)
      for await (const piece of lines.pieces(PIECE_BYTES)) told.push(Buffer.from(piece));
    // One draft for all pieces: with one for each, V8 compiled its code again and again.
    let draft: Draft | null = null;
    const reader = new EventReader();
    const take = (piece: Buffer) => {
      draft ??= new Draft(this.#decoded());
      draft.takeAll(reader.events(piece));
    };
    try {
      if (events) for await (const piece of events.pieces(PIECE_BYTES)) take(piece);
      for (const piece of told) take(piece);
    } finally {
      this.#take(draft);
    }
    this.#size = events?.position ?? 0;
  }

  #take(draft: Draft | null): void {
    const before = this.#series;
    if (draft) this.#series = draft.close();
    if (this.#series !== before) this.#encoded = null;
  }

  async #load(): Promise<void> {
    if (this.#loaded) return;
    this.#loaded = true;
    const kept = this.#kept === null ? null : await loadSeries(this.#kept, this.#paths);
    if (kept === null) return;
    this.#series = null;
    this.#encoded = kept.series;
    this.#readers = this.#paths.map((path, k) => new LineReader(path, kept.bytes[k]));
    this.#keptBytes = kept.bytes[0] ?? 0;
  }

  get #isWorthKeeping(): boolean {
    const series = this.#series ?? (this.#encoded as Told | null);
    return this.#kept !== null && series !== null && isWorthKeeping(series, this.#size, this.#keptBytes);
  }

  /** Writes down what has been read, where so much of it is new that it is worth it. */
  async keep(): Promise<void> {
    if (this.#kept === null || !this.#isWorthKeeping) return;
    this.#keptBytes = this.#size;
    const read = this.#paths.map((path, k) => ({ path, bytes: this.#readers[k]?.position ?? 0 }));
    await saveSeries(this.#kept, read, this.#asSent());
  }

  /** Nobody waits for it: only when who asked has had the answer, as writing it down takes as long as sending it. */
  keepLater(): void {
    if (this.#isWorthKeeping) setTimeout(() => inTurn(() => this.keep()), KEEP_AFTER_MS).unref();
  }
}

let saving: Promise<void> = Promise.resolve();

/** One after another: a comparison reads hundreds at once, and what is written then must not be felt. */
function inTurn(save: () => Promise<void>): void {
  saving = saving.then(save);
}

/** What is kept: a step takes about 150 bytes, and 70 more as it is sent, so this is some 260 MB at most; runs of a comparison are hundreds of short ones or a few long ones. */
const MOST_STEPS = 1_200_000;
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

  get = (runDir: string): Promise<RunSeries> => this.#looked(runDir, (series) => series.newest());

  /** As it is sent. */
  encoded = (runDir: string): Promise<EncodedSeries> =>
    this.#looked(runDir, (series) => series.newestEncoded());

  async #looked<T>(runDir: string, look: (series: GrowingSeries) => Promise<T>): Promise<T> {
    const known = this.#kept.get(runDir);
    const kept = this.#folder === null ? null : keptFile(this.#folder, basename(runDir));
    const series = known?.valid ? known : new GrowingSeries(runDir, kept);
    this.#kept.delete(runDir);
    this.#kept.set(runDir, series); // the newest last
    const newest = await look(series);
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
