/**
 * Series of runs on disk, so that their events are parsed once and not by every host that opens them: of long ones as they grow, of short ones when they have ended. Only a cache: it says up to which byte of
 * the events file it goes and what stands there, and is left aside where that no longer fits.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import type { RunSeries } from '../../shared/runs/series.ts';
import { decodeSeries, encodedSeriesSchema, encodeSeries } from '../../shared/runs/series-codec.ts';
import { ownName } from '../files/leftovers.ts';
import { writeText } from '../files/write.ts';

/** Raised when a series holds something else than before. */
const VERSION = 5;
/** Of a run that goes on: below this, parsing is quicker than it is noticed. */
const LEAST_BYTES = 8 * 1024 * 1024;
/** Of one that has ended, which is written once: comparisons open hundreds of them at a time. */
const LEAST_ENDED_BYTES = 64 * 1024;
/** Writing more at once would be felt by others. */
const MOST_STEPS = 300_000;
const MARK_BYTES = 4096;

/** Where those of a library are, and of one of its runs. */
export const seriesFolder = (home: string): string => join(home, 'cache', 'series');
export const keptFile = (folder: string, id: string): string => join(folder, `${id}.json`);

export interface KeptSeries {
  series: RunSeries;
  /** Of the events file, at a line's start. */
  bytes: number;
}

const keptSchema = z.object({
  v: z.literal(VERSION),
  bytes: z.number().int().min(1),
  mark: z.string(),
  series: encodedSeriesSchema,
});

/** Whether so much has been read since the last time that keeping it is worth it. */
export const isWorthKeeping = (series: RunSeries, bytes: number, keptBytes: number): boolean =>
  bytes - keptBytes >= (hasEnded(series) ? LEAST_ENDED_BYTES : LEAST_BYTES) &&
  series.steps.length <= MOST_STEPS;

/** Until it is resumed. */
const hasEnded = ({ finished, error }: RunSeries) => finished !== null || error !== null;

/** Whether who opens a run would notice that an events file of this size is parsed. */
export const isNoticed = (bytes: number): boolean => bytes >= LEAST_BYTES;

/** Whether the series of an events file of this size can be worth keeping, once its run has ended. */
export const isLongFile = (bytes: number): boolean => bytes >= LEAST_ENDED_BYTES;

/** What the file begins with, and what stands before this byte; null: it is shorter. */
async function markOf(events: string, bytes: number): Promise<string | null> {
  const file = await open(events, 'r').catch(() => null);
  if (file === null) return null;
  try {
    const hash = createHash('sha256');
    for (const at of [0, bytes - MARK_BYTES]) {
      const from = Math.max(0, at);
      const length = Math.min(MARK_BYTES, bytes - from);
      const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, from);
      if (bytesRead < length) return null;
      hash.update(buffer);
    }
    return hash.digest('hex');
  } finally {
    await file.close();
  }
}

/** null: there is none, or it is not of this events file. */
export async function loadSeries(file: string, events: string): Promise<KeptSeries | null> {
  try {
    const kept = keptSchema.parse(JSON.parse(await readFile(file, 'utf8')));
    if ((await markOf(events, kept.bytes)) !== kept.mark) return null;
    // A copy: columns begin where a double may.
    const fromText = (text: string) => new Uint8Array(Buffer.from(text, 'base64'));
    return { series: decodeSeries(kept.series, fromText), bytes: kept.bytes };
  } catch {
    return null;
  }
}

/** What cannot be written (a full disk) is parsed again instead. */
export async function saveSeries(file: string, events: string, { series, bytes }: KeptSeries): Promise<void> {
  const temporary = join(dirname(file), `${ownName('.series-')}${basename(file)}`);
  try {
    const mark = await markOf(events, bytes);
    if (mark === null) return;
    const toText = (values: Uint8Array) =>
      Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');
    await mkdir(dirname(file), { recursive: true });
    await writeText(
      temporary,
      JSON.stringify({ v: VERSION, bytes, mark, series: encodeSeries(series, toText) }),
    );
    await rename(temporary, file);
  } catch {
    await rm(temporary, { force: true });
  }
}

/** Removes those of runs that are gone. */
export async function sweepSeries(folder: string, runs: readonly string[]): Promise<void> {
  const known = new Set(runs.map((id) => keptFile('', id)));
  for (const name of await readdir(folder).catch(() => []))
    if (!name.startsWith('.') && !known.has(name)) await rm(join(folder, name), { force: true });
}
