/**
 * Series of runs on disk, so that their events are parsed once and not by every host that opens them: of long ones as they grow, of short ones when they have ended. Only a cache: it says up to which byte of
 * each file of events it goes and what stands there, and is left aside where that no longer fits. Kept as it is sent (bytes.ts): a host that is asked for
 * the curves of such a run passes them on and need not even unpack them.
 */
import { createHash } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { z } from 'zod';
import { Bytes, pack, unpack } from '../../shared/api/bytes.ts';
import type { RunSeries } from '../../shared/runs/series.ts';
import { type EncodedSeries, encodedSeriesSchema, recodeSeries } from '../../shared/runs/series-codec.ts';
import { ownName } from '../files/leftovers.ts';

/** Raised when a series holds something else than before. */
const VERSION = 6;
/** Of a run that goes on: below this, parsing is quicker than it is noticed. */
const LEAST_BYTES = 8 * 1024 * 1024;
/** Of one that has ended, which is written once: comparisons open hundreds of them at a time. */
const LEAST_ENDED_BYTES = 64 * 1024;
/** Writing more at once would be felt by others. */
const MOST_STEPS = 300_000;
const MARK_BYTES = 4096;

/** Where those of a library are, and of one of its runs. */
export const seriesFolder = (home: string): string => join(home, 'cache', 'series');
export const keptFile = (folder: string, id: string): string => join(folder, `${id}.series`);

/** How far a file of events has been read, to a line's start. */
export interface ReadPart {
  path: string;
  bytes: number;
}

export interface KeptSeries {
  series: EncodedSeries;
  /** Of each of the files that were named, in their order. */
  bytes: number[];
}

const keptSchema = z.object({
  v: z.literal(VERSION),
  parts: z.array(z.object({ bytes: z.number().int().min(0), mark: z.string() })),
  series: encodedSeriesSchema,
});

/** What a series says of its run, whether it is encoded or not. */
export type Told = Pick<RunSeries, 'finished' | 'error'> & { steps: { length: number } };

/** Whether so much has been read since the last time that keeping it is worth it. */
export const isWorthKeeping = (series: Told, bytes: number, keptBytes: number): boolean =>
  bytes - keptBytes >= (hasEnded(series) ? LEAST_ENDED_BYTES : LEAST_BYTES) &&
  series.steps.length <= MOST_STEPS;

/** Until it is resumed. */
const hasEnded = ({ finished, error }: Told) => finished !== null || error !== null;

/** Whether who opens a run would notice that an events file of this size is parsed. */
export const isNoticed = (bytes: number): boolean => bytes >= LEAST_BYTES;

/** Whether the series of an events file of this size can be worth keeping, once its run has ended. */
export const isLongFile = (bytes: number): boolean => bytes >= LEAST_ENDED_BYTES;

/** What the file begins with, and what stands before this byte; null: it is shorter. */
async function markOf({ path, bytes }: ReadPart): Promise<string | null> {
  if (bytes === 0) return '';
  const file = await open(path, 'r').catch(() => null);
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

/** null: there is none, or it is not of these files of events. */
export async function loadSeries(file: string, events: readonly string[]): Promise<KeptSeries | null> {
  try {
    const { parts, series } = keptSchema.parse(unpack(wholeBuffer(await readFile(file))));
    if (parts.length !== events.length) return null;
    const bytes = parts.map((part) => part.bytes);
    const marks = await Promise.all(events.map((path, k) => markOf({ path, bytes: bytes[k] ?? 0 })));
    if (marks.some((mark, k) => mark !== parts[k]?.mark)) return null;
    return { series: recodeSeries(series, (column) => new Bytes(column)), bytes };
  } catch {
    return null;
  }
}

/** A copy where it lies in another's memory: columns begin where a double may. */
const wholeBuffer = ({ buffer, byteOffset, byteLength }: Buffer): ArrayBuffer =>
  byteLength === buffer.byteLength
    ? (buffer as ArrayBuffer)
    : (buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer);

/** What cannot be written (a full disk) is parsed again instead. */
export async function saveSeries(
  file: string,
  read: readonly ReadPart[],
  series: EncodedSeries,
): Promise<void> {
  const temporary = join(dirname(file), `${ownName('.series-')}${basename(file)}`);
  try {
    const marks = await Promise.all(read.map(markOf));
    const parts = read.map(({ bytes }, k) => ({ bytes, mark: marks[k] }));
    if (marks.includes(null)) return;
    await mkdir(dirname(file), { recursive: true });
    await writeFile(temporary, pack({ v: VERSION, parts, series }));
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
