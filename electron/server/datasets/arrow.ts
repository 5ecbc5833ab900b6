/// <reference path="./untyped-modules.d.ts" />
/** Arrow files (`.arrow` of datasets' `save_to_disk`, Feather, IPC streams) as JSONL. */
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Table } from 'apache-arrow';
import { CollieError } from '../../shared/errors.ts';

/** Feather files are compressed with LZ4 unless told otherwise. A copy, as Arrow wants its buffers aligned. */
async function withCodecs() {
  const arrow = await import('apache-arrow');
  const [{ decompress }, { default: lz4 }] = await Promise.all([import('fzstd'), import('lz4js')]);
  arrow.compressionRegistry.set(arrow.CompressionType.ZSTD, {
    decode: (bytes) => new Uint8Array(decompress(bytes)),
  });
  arrow.compressionRegistry.set(arrow.CompressionType.LZ4_FRAME, {
    decode: (bytes) => lz4.decompress(bytes),
  });
  return arrow;
}

/**
 * JSON of a value of Arrow: big integers as numbers, times as ISO text, bytes as text where they are UTF-8. Fields of objects that are
 * null are left out, as in Parquet (column-json.ts).
 */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number(value);
  if (value instanceof Date) return value.toISOString();
  if (value instanceof Uint8Array) return new TextDecoder().decode(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return null;
  if (Array.isArray(value)) return value.map(plain);
  if (typeof value !== 'object' || value === null) return value;
  const { toArray, toJSON } = value as { toArray?: () => Iterable<unknown>; toJSON?: () => unknown };
  if (
    typeof toArray === 'function' &&
    Symbol.iterator in value &&
    !('keys' in value && typeof toJSON !== 'function')
  )
    return Array.from(value as Iterable<unknown>, plain);
  const object = typeof toJSON === 'function' ? (toJSON.call(value) as object) : value;
  return Array.isArray(object)
    ? object.map(plain)
    : Object.fromEntries(
        Object.entries(object)
          .map(([key, one]) => [key, plain(one)])
          .filter(([, one]) => one !== null),
      );
}

/**
 * No sound file grows like this, not even one whose columns refer to a few long texts. One that claims rows without end would fill the disk: a
 * damaged file of 450 bytes wrote for minutes where it could have a gigabyte.
 */
const mostBytes = (fileBytes: number) => 2 ** 26 + 1000 * fileBytes;

/**
 * Writes the rows of an Arrow file to `target`, one object a line; run apart (host/apart.ts), as a damaged file may claim lists of any
 * size. Throws dataset.unreadable, naming the file `shown`.
 */
export async function arrowToJsonl(path: string, target: string, shown: string): Promise<void> {
  const { tableFromIPC } = await withCodecs();
  const unreadable = (why: string) =>
    new CollieError(
      'dataset.unreadable',
      `${shown} cannot be read as an Arrow file: ${why.slice(0, 200)}`,
      'The file is damaged, or of a kind that is not known here. Save it as Parquet.',
      { path: shown },
    );
  const bytes = new Uint8Array(await readFile(path));
  let table: Table;
  try {
    table = tableFromIPC(bytes);
  } catch (error) {
    throw unreadable((error as Error).message);
  }
  const names = table.schema.fields.map(({ name }) => name);
  let left = mostBytes(bytes.length);
  function* lines(): Generator<string> {
    for (const row of table) {
      const values = row as unknown as Record<string, unknown>;
      const line = `${JSON.stringify(Object.fromEntries(names.map((name) => [name, plain(values[name])])))}\n`;
      left -= line.length;
      if (left < 0) throw unreadable(`its ${table.numRows} rows do not end`);
      yield line;
    }
  }
  try {
    await pipeline(Readable.from(lines()), createWriteStream(target));
  } catch (error) {
    // What the system says of the disk has a code, what Arrow stumbles over has none.
    if (error instanceof CollieError || (error as NodeJS.ErrnoException).syscall) throw error;
    throw unreadable((error as Error).message);
  }
}
