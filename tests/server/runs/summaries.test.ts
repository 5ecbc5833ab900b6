/** What the list of runs is made of: specs, tags, and small curves from a few places of long files. */
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RunRegistry } from '../../../electron/server/runs/registry.ts';
import { readSeries, SeriesCache } from '../../../electron/server/runs/series-file.ts';
import { RunSummaries, sampledLosses } from '../../../electron/server/runs/summaries.ts';
import { readTags, writeTags } from '../../../electron/server/runs/tags.ts';
import { Bytes, pack, unpack } from '../../../electron/shared/api/bytes.ts';
import { axes } from '../../../electron/shared/runs/points.ts';
import {
  decodeSeries,
  type EncodedSeries,
  encodeSeries,
  recodeSeries,
} from '../../../electron/shared/runs/series-codec.ts';
import { eventLines, writeEvents } from '../../bench/fabricate.ts';
import { exampleSpec } from '../../supervisor/harness.ts';
import { EventScript } from '../../support/event-script.ts';

let home: string;
let runs: RunRegistry;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'collie-summaries-'));
  runs = new RunRegistry(home);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

test('specs and tags of many runs come at once; what cannot be read is left out', async () => {
  const ids = [
    runs.create(exampleSpec(home)),
    runs.create(exampleSpec(home)),
    runs.create(exampleSpec(home)),
  ];
  const [first = '', , third = ''] = ids;
  await writeTags(runs.dir(first), ['paper', 'seed 1', 'paper']);
  writeFileSync(join(runs.dir(third), 'spec.json'), '{"torn');
  const summaries = new RunSummaries(runs);
  const found = summaries.of([...ids, 'no-such-run']);
  expect(found.map(({ id }) => id)).toEqual(ids.slice(0, 2));
  expect(found[0]?.tags).toEqual(['paper', 'seed 1']);
  expect(found[1]).toMatchObject({ tags: [], spec: { name: exampleSpec(home).name } });
  // Tags are beside the folder: nothing in it has changed, and no run has appeared.
  expect(readdirSync(runs.dir(first)).some((name) => name.includes('tags'))).toBe(false);
  expect(runs.ids().sort()).toEqual([...ids].sort());
  await writeTags(runs.dir(first), []);
  expect(existsSync(`${runs.dir(first)}.tags.json`)).toBe(false);
  writeFileSync(`${runs.dir(first)}.tags.json`, 'not JSON');
  expect(readTags(runs.dir(first))).toEqual([]);
});

test('the curve of a long run comes from a few places of its file', () => {
  writeEvents(home, 3000);
  const path = join(home, 'events/rank-000.jsonl');
  expect(statSync(path).size).toBeGreaterThan(32 * 4096);
  const losses = sampledLosses(path);
  expect(losses).toHaveLength(32);
  // 0.8 + 2.4 exp(-step / 375) with noise of +- 0.15: from the top to the floor.
  expect(losses[0]).toBeGreaterThan(2.9);
  expect(Math.abs((losses.at(-1) ?? 0) - 0.8)).toBeLessThan(0.2);
});

test('a short run is read whole, and what a resume voids is not drawn', () => {
  const script = new EventScript();
  script.started();
  for (let step = 1; step <= 6; step++) script.step(step, 10 - step);
  script.started({ resumed_from_step: 3, attempt: 2 });
  script.step(4, 1);
  mkdirSync(join(home, 'events'));
  const path = join(home, 'events/rank-000.jsonl');
  writeFileSync(path, script.events.map((event) => `${JSON.stringify(event)}\n`).join(''));
  expect(sampledLosses(path)).toEqual([9, 8, 7, 1]);
});

test('a series goes over the wire bit for bit', async () => {
  writeEvents(home, 400);
  const series = await readSeries(home);
  const packed = pack(encodeSeries(series, (bytes) => new Bytes(bytes))) as Uint8Array<ArrayBuffer>;
  const wire = unpack(packed.buffer) as EncodedSeries;
  const back = decodeSeries(wire);
  expect(back.lastSeq).toBe(series.lastSeq);
  expect(back.attempts).toEqual(series.attempts);
  expect(Object.keys(back.evals)).toEqual(['eval']);
  const pairs = [
    [series.steps, back.steps],
    [series.evals.eval, back.evals.eval],
  ] as const;
  for (const [sent, received] of pairs) {
    expect(received?.length).toBe(sent?.length);
    expect(received?.names).toEqual(sent?.names);
    for (const name of axes) expect(received?.axis(name)).toEqual(sent?.axis(name));
    for (const name of sent?.names ?? []) expect(received?.metric(name)).toEqual(sent?.metric(name));
  }
  wire.steps.length += 1;
  expect(() => decodeSeries(wire)).toThrow(RangeError);
  expect(() => recodeSeries(wire, ($bytes) => ({ $bytes }))).toThrow(RangeError);
});

test('a run that is looked at again is read on, not anew; one that was replaced is read anew', async () => {
  const lines = [...eventLines(20)];
  mkdirSync(join(home, 'events'));
  const path = join(home, 'events/rank-000.jsonl');
  writeFileSync(path, lines.slice(0, 10).join(''));
  const cache = new SeriesCache();
  const first = await cache.get(home);
  appendFileSync(path, lines.slice(10).join(''));
  const second = await cache.get(home);
  expect(second.steps.length).toBe(20);
  // Appended to the same columns.
  expect(second.steps.metric('loss').buffer).toBe(first.steps.metric('loss').buffer);
  writeFileSync(path, lines.slice(0, 3).join(''));
  expect((await cache.get(home)).steps.length).toBe(1);
});
