/** Lines of programs that write, break and end as they like. */
import { readdirSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { keepTail, readLines } from '../../../electron/server/files/lines.ts';

const ended = (stream: PassThrough) => new Promise((done) => stream.once('close', done));

test('lines are whole whatever the chunks, with characters cut in two, and without a last line end', async () => {
  const stream = new PassThrough();
  const lines: string[] = [];
  readLines(stream, (line) => lines.push(line));
  const bytes = Buffer.from('one\r\ntwö\n\nthree');
  for (const byte of bytes) stream.write(Buffer.from([byte]));
  stream.end();
  await ended(stream);
  expect(lines).toEqual(['one', 'twö', '', 'three']);
});

test('a line beyond the limit is skipped and told, the next is read', async () => {
  const stream = new PassThrough();
  const lines: string[] = [];
  let overflows = 0;
  readLines(stream, (line) => lines.push(line), { maxBytes: 10, onOverflow: () => (overflows += 1) });
  stream.end(`${'x'.repeat(8)}${'y'.repeat(8)}${'z'.repeat(100)}\nshort\n`);
  await ended(stream);
  expect({ lines, overflows }).toEqual({ lines: ['short'], overflows: 1 });
});

test('a stream that breaks is one that has ended', async () => {
  for (const read of [(stream: PassThrough) => readLines(stream, () => {}), keepTailOf]) {
    const stream = new PassThrough();
    read(stream);
    stream.destroy(new Error('ECONNRESET'));
    await ended(stream);
  }
});

function keepTailOf(stream: PassThrough): void {
  keepTail(stream, 10);
}

// readline passes an error of its input on, as an `error` event that nobody listens to: that ended supervisors.
test('nobody else reads lines of a stream', () => {
  const root = resolve(import.meta.dirname, '../../../electron');
  const sources = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.ts'),
  );
  const guilty = sources.filter((name) =>
    /createInterface\([^)]*\)\s*\.on\(/.test(readFileSync(join(root, name), 'utf8')),
  );
  expect(guilty).toEqual([]);
});
