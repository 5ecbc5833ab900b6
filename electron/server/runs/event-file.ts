/** Follows an events file that another process appends to. Only whole lines are taken; a torn end waits for its rest. */
import { type FSWatcher, watch } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';

const CHUNK_BYTES = 256 * 1024;
/** A line longer than this is no event; it is skipped instead of being held in memory. */
const MAX_LINE_BYTES = 8 * 1024 * 1024;
/** File watching is missing on some network file systems and may drop events: poll as well. */
const POLL_MS = 500;

export class LineReader {
  readonly #path: string;
  #position: number;
  #rest: Buffer = Buffer.alloc(0);
  #skipping = false;

  /** `from`: byte offset of a line's start. */
  constructor(path: string, from = 0) {
    this.#path = path;
    this.#position = from;
  }

  /** The next whole lines, at most about 256 KiB of them; empty when there is nothing new or no file yet. */
  async next(): Promise<string[]> {
    let file: FileHandle;
    try {
      file = await open(this.#path, 'r');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw error;
    }
    try {
      for (;;) {
        const { bytesRead, buffer } = await file.read(
          Buffer.allocUnsafe(CHUNK_BYTES),
          0,
          CHUNK_BYTES,
          this.#position,
        );
        if (bytesRead === 0) return [];
        this.#position += bytesRead;
        const lines = this.#split(buffer.subarray(0, bytesRead));
        if (lines.length > 0) return lines;
      }
    } finally {
      await file.close();
    }
  }

  #split(chunk: Buffer): string[] {
    const end = chunk.lastIndexOf(10);
    if (end < 0) {
      this.#keep(Buffer.concat([this.#rest, chunk]));
      return [];
    }
    const text = Buffer.concat([this.#rest, chunk.subarray(0, end)]).toString('utf8');
    this.#keep(Buffer.from(chunk.subarray(end + 1)));
    const lines = text.split('\n');
    if (this.#skipping) {
      lines.shift();
      this.#skipping = false;
    }
    return lines.filter((line) => line.trim() !== '');
  }

  #keep(rest: Buffer): void {
    if (rest.length > MAX_LINE_BYTES) this.#skipping = true;
    this.#rest = this.#skipping ? Buffer.alloc(0) : rest;
  }
}

/**
 * Yields the lines of a file that grows, in batches, until the signal aborts. The file need not exist yet, its folder must.
 * The reader pulls, so a slow one holds nothing but its own position.
 */
export async function* followLines(path: string, signal: AbortSignal, from = 0): AsyncGenerator<string[]> {
  const reader = new LineReader(path, from);
  let wake: () => void = () => {};
  let watcher: FSWatcher | null = null;
  const onChange = () => wake();
  try {
    watcher = watch(dirname(path), { persistent: false }, onChange);
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
      const lines = await reader.next();
      if (signal.aborted) break;
      if (lines.length > 0) {
        yield lines;
        continue;
      }
      const timer = setTimeout(onChange, POLL_MS);
      await changed;
      clearTimeout(timer);
    }
  } finally {
    signal.removeEventListener('abort', onChange);
    watcher?.close();
  }
}
