/**
 * What other programs write to us, line by line. Streams of others end, break and swell as they like: every one of them is read here, where
 * its errors have a listener (Node ends the process for an error that nobody listens to; readline passes errors on) and its memory a limit.
 */
import type { Readable } from 'node:stream';

/** Longer lines are none of ours. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;

export interface LineOptions {
  maxBytes?: number;
  /** A line grew beyond `maxBytes`. Left out: the line is skipped. */
  onOverflow?: () => void;
}

/** Calls `onLine` for every line, without its end, also for a last one without it. A stream that breaks has ended. */
export function readLines(stream: Readable, onLine: (line: string) => void, options: LineOptions = {}): void {
  const maxBytes = options.maxBytes ?? MAX_LINE_BYTES;
  let parts: Buffer[] = [];
  let bytes = 0;
  let skipping = false;
  const add = (part: Buffer) => {
    if (skipping || part.length === 0) return;
    bytes += part.length;
    if (bytes <= maxBytes) return void parts.push(part);
    skipping = true;
    parts = [];
    options.onOverflow?.();
  };
  const end = () => {
    const line = Buffer.concat(parts).toString('utf8');
    const whole = !skipping;
    [parts, bytes, skipping] = [[], 0, false];
    if (whole) onLine(line.endsWith('\r') ? line.slice(0, -1) : line);
  };
  stream.on('data', (chunk: Buffer | string) => {
    const block = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    let from = 0;
    for (let to = block.indexOf(10); to >= 0; to = block.indexOf(10, from)) {
      add(block.subarray(from, to));
      end();
      from = to + 1;
    }
    add(block.subarray(from));
  });
  stream.on('end', () => {
    if (bytes > 0) end();
  });
  stream.on('error', () => {});
}

/** Keeps the last `length` characters of what a stream writes; the returned function says what they are now. */
export function keepTail(stream: Readable, length: number): () => string {
  let tail = '';
  stream.setEncoding('utf8');
  stream.on('data', (text: string) => {
    tail = (tail + text).slice(-length);
  });
  stream.on('error', () => {});
  return () => tail;
}
