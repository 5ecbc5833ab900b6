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
import { readSeries, SeriesCache } from '../../../electron/server/runs/series-file.ts';
import { eventsFile } from '../../../electron/shared/runs/run-folder.ts';
import { emptySeries } from '../../../electron/shared/runs/series.ts';
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
  await vi.waitUntil(() => existsSync(join(folder, 'run.json')), { timeout: 30_000 });

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

test('what does not fit its events file is left aside', async () => {
  const home = scratchFolder('kept-wrong');
  const run = join(home, 'run');
  mkdirSync(run);
  writeEvents(run, 50);
  const events = join(run, eventsFile(0));
  const file = join(home, 'series/run.json');
  const series = await readSeries(run);
  const bytes = readFileSync(events).length;
  await saveSeries(file, events, { series, bytes });
  expect((await loadSeries(file, events))?.bytes).toBe(bytes);

  const sound = readFileSync(events);
  writeFileSync(events, sound.subarray(0, bytes - 10));
  expect(await loadSeries(file, events)).toBeNull();
  writeFileSync(events, Buffer.from(sound).fill('7', bytes - 200, bytes - 180));
  expect(await loadSeries(file, events)).toBeNull();
  writeFileSync(events, sound);
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"v":\d+/, '"v":0'));
  expect(await loadSeries(file, events)).toBeNull();
  writeFileSync(file, '{');
  expect(await loadSeries(file, events)).toBeNull();
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
  for (const name of ['a.json', 'b.json']) writeFileSync(join(folder, name), '');
  await sweepSeries(folder, ['b']);
  expect(['a.json', 'b.json'].map((name) => existsSync(join(folder, name)))).toEqual([false, true]);
});
