/** Following an events file that somebody else writes, whole lines only, from any point. */
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { followEvents, MAX_BATCH } from '../../../electron/server/runs/events.ts';

let dir: string;
let path: string;
let abort: AbortController;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'collie-events-'));
  mkdirSync(join(dir, 'events'));
  path = join(dir, 'events/rank-000.jsonl');
  abort = new AbortController();
});
afterEach(() => {
  abort.abort();
  rmSync(dir, { recursive: true, force: true });
});

const line = (seq: number, padding = '') =>
  `${JSON.stringify({ v: 1, rank: 0, seq, timeUs: 1, step: seq, type: 'warning', payload: { message: padding } })}\n`;

/** Pulls batches until `count` events are there. */
async function take(stream: AsyncGenerator<{ events: unknown[] }>, count: number): Promise<number[]> {
  const seqs: number[] = [];
  while (seqs.length < count) {
    const { value, done } = await stream.next();
    if (done) break;
    expect(value.events.length).toBeLessThanOrEqual(MAX_BATCH);
    seqs.push(...value.events.map((event) => (event as { seq: number }).seq));
  }
  return seqs;
}

const behind = (afterSeq: number) => ({ afterSeq, afterCallbackSeq: -1, afterMonitorSeq: -1 });

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, index) => from + index);

test('what is there, then what comes; a torn line waits for its rest', async () => {
  writeFileSync(path, line(0) + line(1));
  const stream = followEvents(dir, behind(-1), abort.signal);
  expect(await take(stream, 2)).toEqual([0, 1]);
  const next = take(stream, 2);
  appendFileSync(path, line(2).slice(0, 20));
  appendFileSync(path, line(2).slice(20) + line(3).slice(0, 5));
  appendFileSync(path, line(3).slice(5));
  expect(await next).toEqual([2, 3]);
});

test('what a rank tells of its own step stays away from readers of the run', async () => {
  const own = (seq: number, type: string) => line(seq).replace('"warning"', `"${type}"`);
  writeFileSync(path, line(0) + own(1, 'rank_step') + own(2, 'timeline') + line(3));
  expect(await take(followEvents(dir, behind(-1), abort.signal), 2)).toEqual([0, 3]);
});

test('characters of several bytes survive being torn', async () => {
  const text = 'größer, 日本語, 🐕';
  const bytes = Buffer.from(line(0, text));
  const cut = bytes.indexOf(Buffer.from('🐕')) + 2;
  writeFileSync(path, bytes.subarray(0, cut));
  const stream = followEvents(dir, behind(-1), abort.signal);
  const first = stream.next();
  appendFileSync(path, bytes.subarray(cut));
  const { value } = await first;
  expect(value?.events[0]).toMatchObject({ payload: { message: text } });
});

test('a torn end that the next attempt cuts off is forgotten', async () => {
  writeFileSync(path, `${line(0)}{"v":1,"rank":0,"seq":1,"type":"st`);
  const stream = followEvents(dir, behind(-1), abort.signal);
  expect(await take(stream, 1)).toEqual([0]);
  const next = take(stream, 2);
  truncateSync(path, line(0).length);
  appendFileSync(path, line(1, 'longer than what was cut off') + line(2));
  expect(await next).toEqual([1, 2]);
});

test('a line of many megabytes is skipped, one of a few is not', async () => {
  writeFileSync(path, line(0) + line(1, 'x'.repeat(3_000_000)) + line(2, 'x'.repeat(20_000_000)) + line(3));
  expect(await take(followEvents(dir, behind(-1), abort.signal), 3)).toEqual([0, 1, 3]);
});

test('the same with sorted keys', async () => {
  const sorted = '{"payload":{"message":"x"},"rank":0,"seq":1,"step":1,"timeUs":1,"type":"warning","v":1}';
  writeFileSync(path, `${line(0)}{"payload":{"loss":1},"rank":0,"se${sorted}\n`);
  expect(await take(followEvents(dir, behind(-1), abort.signal), 2)).toEqual([0, 1]);
});

test('a line torn for good, with the next attempt appended to it, loses only itself', async () => {
  writeFileSync(path, `${line(0)}{"v":1,"rank":0,"seq":77,"ti${line(1)}garbage\n${line(2)}`);
  expect(await take(followEvents(dir, behind(-1), abort.signal), 3)).toEqual([0, 1, 2]);
});

test('the file may come later', async () => {
  const stream = followEvents(dir, behind(-1), abort.signal);
  const first = take(stream, 1);
  writeFileSync(path, line(0));
  expect(await first).toEqual([0]);
});

test('long files come in bounded batches, and any point in them is found', async () => {
  const count = 20_000;
  writeFileSync(
    path,
    range(0, count)
      .map((seq) => line(seq, 'x'.repeat(seq % 90)))
      .join(''),
  );
  expect(await take(followEvents(dir, behind(-1), abort.signal), count)).toEqual(range(0, count));
  for (const after of [0, 1, 4_999, 12_345, count - 2]) {
    const stream = followEvents(dir, behind(after), abort.signal);
    expect(await take(stream, count - 1 - after)).toEqual(range(after + 1, count));
  }
});

test('nothing is sent twice, and aborting ends the stream', async () => {
  writeFileSync(path, line(0) + line(1) + line(1) + line(0) + line(2));
  const stream = followEvents(dir, behind(0), abort.signal);
  expect(await take(stream, 2)).toEqual([1, 2]);
  const waiting = stream.next();
  abort.abort();
  expect((await waiting).done).toBe(true);
});
