/** Follows an events file that another process appends to. Only whole lines are taken; a torn end waits for its rest. */
import { type FSWatcher, statSync, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { readRange } from './folder.ts';

const CHUNK_BYTES = 256 * 1024;
/** A line longer than this is no event; it is skipped instead of being held in memory. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
/** File watching is missing on some network file systems and may drop events: poll as well. */
const POLL_MS = 500;

export class LineReader {
  readonly #path: string;
  /** Always at a line's start: a torn end is read again, as a writer that starts anew cuts it off. */
  #position: number;
  #skipping = false;

  /** `from`: byte offset of a line's start. */
  constructor(path: string, from = 0) {
    this.#path = path;
    this.#position = from;
  }

  /** Bytes of whole lines read so far. */
  get position(): number {
    return this.#position;
  }

  /** The next whole lines, at most about 256 KiB of them; empty when there is nothing new or no file yet. */
  async next(): Promise<string[]> {
    for await (const piece of this.pieces(CHUNK_BYTES)) {
      const lines = piece.toString('utf8').split('\n');
      return lines.filter((line) => line.length > 1);
    }
    return [];
  }

  /** What is there now, in pieces of whole lines of about `size` bytes, without the newline of the last; each is good until the next is asked for. Opens the file once. */
  async *pieces(size: number): AsyncGenerator<Buffer> {
    const there = statSync(this.#path, { throwIfNoEntry: false })?.size ?? 0;
    if (there <= this.#position) return;
    let file: FileHandle;
    try {
      file = await open(this.#path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
      throw error;
    }
    try {
      // No more memory than there is to read: a comparison looks at hundreds of files that are small or not longer than before.
      const memory = Buffer.allocUnsafe(Math.min(size, there - this.#position));
      while (this.#position < there) {
        const piece = await this.#piece(file, memory);
        if (!piece) return;
        yield piece;
      }
    } finally {
      await file.close();
    }
  }

  async #piece(file: FileHandle, usual: Buffer): Promise<Buffer | null> {
    let buffer = usual;
    for (;;) {
      const size = buffer.length;
      const { bytesRead } = await file.read(buffer, 0, size, this.#position);
      const end = buffer.subarray(0, bytesRead).lastIndexOf(10);
      if (end >= 0) {
        this.#position += end + 1;
        const from = this.#skipping ? buffer.indexOf(10) + 1 : 0;
        this.#skipping = false;
        if (from < end) return buffer.subarray(from, end);
        buffer = usual;
      } else if (bytesRead < size) {
        return null; // The end of the file: nothing, or a line that is not whole yet.
      } else if (size < MAX_LINE_BYTES) {
        buffer = Buffer.allocUnsafe(2 * size);
      } else {
        this.#position += bytesRead;
        this.#skipping = true;
      }
    }
  }
}

/** Offset behind the last whole line; 0 without a file. What is torn behind it will be cut off by the next writer. */
export function endOfLines(path: string): number {
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  for (let to = size; to > 0; to = Math.max(0, to - CHUNK_BYTES)) {
    const from = Math.max(0, to - CHUNK_BYTES);
    const newline = readRange(path, from, to).lastIndexOf(10);
    if (newline >= 0) return from + newline + 1;
  }
  return 0;
}

export interface FollowedFile {
  path: string;
  /** Byte offset of a line's start. */
  from: number;
}

/**
 * Yields the lines of files of one folder that grow, in batches, until the signal aborts; `file` is the place of theirs in the list. The files need not exist yet, their
 * folder must. What stands in a later file is told after all that the first had when it was written. The reader pulls, so a slow one holds nothing but its own position.
 */
export async function* followLines(
  files: readonly FollowedFile[],
  signal: AbortSignal,
): AsyncGenerator<{ file: number; lines: string[] }> {
  const readers = files.map(({ path, from }) => new LineReader(path, from));
  const [first] = files;
  if (!first) return;
  let wake: () => void = () => {};
  let watcher: FSWatcher | null = null;
  const onChange = () => wake();
  try {
    watcher = watch(dirname(first.path), { persistent: false }, onChange);
    watcher.on('error', () => watcher?.close());
  } catch {
    // Out of watches, or a file system without them: polling alone will do.
  }
  signal.addEventListener('abort', onChange);
  try {
    while (!signal.aborted) {
      const changed = new Promise<void>((resolve) => {
        wake = resolve;
      });
      let news = false;
      for await (const batch of newLines(readers)) {
        if (signal.aborted) break;
        news = true;
        yield batch;
      }
      if (news) continue;
      const timer = setTimeout(onChange, POLL_MS);
      await changed;
      clearTimeout(timer);
    }
  } finally {
    signal.removeEventListener('abort', onChange);
    watcher?.close();
  }
}

/** What is there now. Later files are read first and told last. */
async function* newLines(readers: readonly LineReader[]): AsyncGenerator<{ file: number; lines: string[] }> {
  const [first, ...others] = readers;
  const later: string[][] = [];
  for (const reader of others) later.push(await reader.next());
  for (let lines = (await first?.next()) ?? []; lines.length > 0; lines = (await first?.next()) ?? [])
    yield { file: 0, lines };
  for (const [k, lines] of later.entries()) if (lines.length > 0) yield { file: k + 1, lines };
}
