/** Series of long runs that are kept on disk: the same as parsed anew, and never those of another file. */
import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import {
  isWorthKeeping,
  loadSeries,
  saveSeries,
  sweepSeries,
} from '../../../electron/server/runs/kept-series.ts';
import { keepSeries, readSeries, SeriesCache } from '../../../electron/server/runs/series-file.ts';
import { Bytes } from '../../../electron/shared/api/bytes.ts';
import { eventsFile } from '../../../electron/shared/runs/run-folder.ts';
import { emptySeries } from '../../../electron/shared/runs/series.ts';
import { decodeSeries, encodeSeries } from '../../../electron/shared/runs/series-codec.ts';
import { eventLines, writeEvents } from '../../bench/fabricate.ts';
import { scratchFolder } from '../datasets/fixtures.ts';

const STEPS = 20_000; // some 11 MiB of events
const plain = (series: Awaited<ReturnType<typeof readSeries>>) => ({
  ...series,
  steps: series.steps.names.map((name) => [...series.steps.metric(name).slice(-50)]),
  evals: Object.values(series.evals).map((points) => [...points.metric('loss')]),
});

test('a long run is parsed once; what came since is read on; another host gets the same', async () => {
  const home = scratchFolder('kept');
  const run = join(home, 'run');
  mkdirSync(run);
  writeEvents(run, STEPS);
  const events = join(run, eventsFile(0));
  const folder = join(home, 'series');
  const parsed = await readSeries(run);
  expect(plain(await new SeriesCache(undefined, folder).get(run))).toEqual(plain(parsed));
  await vi.waitUntil(() => existsSync(join(folder, 'run.series')), { timeout: 30_000 });

  // Told by what stands in the middle of the file, which only who parses it again would see.
  const torn = readFileSync(events);
  const middle = Math.floor(torn.length / 2);
  torn.fill('x', middle, middle + 2000);
  writeFileSync(events, torn);
  expect((await readSeries(run)).steps.length).toBeLessThan(STEPS);
  expect(plain(await new SeriesCache(undefined, folder).get(run))).toEqual(plain(parsed));
  appendFileSync(events, [...eventLines(STEPS + 10, STEPS)].slice(-21).join(''));
  const on = await new SeriesCache(undefined, folder).get(run);
  expect(on.steps.length).toBe(STEPS + 10);
  expect(on.steps.axis('step').at(-1)).toBe(STEPS + 10);
});

test('a run that was kept and has not gone on is passed on as it is kept, and unpacked when its numbers are wanted', async () => {
  const home = scratchFolder('kept-passed');
  const run = join(home, 'run');
  mkdirSync(run);
  writeEvents(run, 500);
  const folder = join(home, 'series');
  await keepSeries(run, join(folder, 'run.series'));
  const cache = new SeriesCache(undefined, folder);
  const sent = await cache.encoded(run);
  const kept = readFileSync(join(folder, 'run.series'));
  const { $bytes } = sent.steps.metrics.loss ?? { $bytes: new Uint8Array() };
  expect($bytes.buffer.byteLength).toBe(kept.byteLength);
  const parsed = await readSeries(run);
  expect(plain(decodeSeries(sent))).toEqual(plain(parsed));
  expect(await cache.encoded(run)).toBe(sent);
  expect(plain(await cache.get(run))).toEqual(plain(parsed));

  appendFileSync(join(run, eventsFile(0)), [...eventLines(510, 500)].slice(-23).join(''));
  expect(decodeSeries(await cache.encoded(run)).steps.length).toBe(510);
  expect((await cache.get(run)).steps.length).toBe(510);
});

test('what does not fit its events file is left aside', async () => {
  const home = scratchFolder('kept-wrong');
  const run = join(home, 'run');
  mkdirSync(run);
  writeEvents(run, 50);
  const events = join(run, eventsFile(0));
  const file = join(home, 'series/run.series');
  const series = await readSeries(run);
  const bytes = readFileSync(events).length;
  const encoded = encodeSeries(series, (column) => new Bytes(column));
  const beside = join(home, 'callbacks.jsonl');
  writeFileSync(beside, 'of a callback\n');
  const none = join(home, 'none.jsonl');
  const read = [events, beside, none].map((path, k) => ({ path, bytes: [bytes, 14, 0][k] as number }));
  const load = () => loadSeries(file, [events, beside, none]);
  await saveSeries(file, read, encoded);
  const found = await load();
  expect(found?.bytes).toEqual([bytes, 14, 0]);
  expect(found && plain(decodeSeries(found.series))).toEqual(plain(series));
  expect(await loadSeries(file, [events, beside])).toBeNull();

  const sound = readFileSync(events);
  writeFileSync(events, sound.subarray(0, bytes - 10));
  expect(await load()).toBeNull();
  writeFileSync(events, Buffer.from(sound).fill('7', bytes - 200, bytes - 180));
  expect(await load()).toBeNull();
  writeFileSync(events, sound);
  writeFileSync(beside, 'of a resumed one\n');
  expect(await load()).toBeNull();
  writeFileSync(beside, 'of a callback\n');
  expect(await load()).not.toBeNull();
  const whole = readFileSync(file, 'latin1');
  const damaged = [
    whole.replace(/"v":\d/, '"v":0'),
    whole.replace('"length":50', '"length":51'),
    whole.slice(0, -100),
  ];
  for (const text of damaged) {
    expect(text).not.toBe(whole);
    writeFileSync(file, text, 'latin1');
    expect(await load()).toBeNull();
  }
  writeFileSync(file, '{');
  expect(await load()).toBeNull();
});

test('short runs are kept when they have ended; those of runs that are gone are removed', async () => {
  const ended = {
    ...emptySeries,
    finished: { reason: 'completed', seconds: 1, tokens: 1, timeUs: 1 } as const,
  };
  expect([emptySeries, ended].map((series) => isWorthKeeping(series, 2 ** 17, 0))).toEqual([false, true]);
  expect(isWorthKeeping(ended, 2 ** 17, 2 ** 17)).toBe(false);
  expect(isWorthKeeping(ended, 1000, 0)).toBe(false);
  expect(isWorthKeeping(emptySeries, 9 * 2 ** 20, 0)).toBe(true);
  expect(isWorthKeeping(emptySeries, 9 * 2 ** 20, 8 * 2 ** 20)).toBe(false);
  const folder = scratchFolder('kept-sweep');
  for (const name of ['a.json', 'a.series', 'b.series']) writeFileSync(join(folder, name), '');
  await sweepSeries(folder, ['b']);
  expect(['a.json', 'a.series', 'b.series'].map((name) => existsSync(join(folder, name)))).toEqual([
    false,
    false,
    true,
  ]);
});
