/** The comparison over real run folders: saved views, and everything that may be wrong with a folder. */
import { mkdtempSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CompareService } from '../../../electron/server/compare/service.ts';
import { RunRegistry } from '../../../electron/server/runs/registry.ts';
import { SeriesCache } from '../../../electron/server/runs/series-file.ts';
import { RunSummaries } from '../../../electron/server/runs/summaries.ts';
import { uniform } from '../../support/random.ts';
import { viewOf, writeRun } from './support.ts';

const FIRST = { set: '', metric: '', slice: null };

let home: string;
let compare: CompareService;
let opened: string[];
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'collie-compare-'));
  const runs = new RunRegistry(home);
  opened = [];
  compare = new CompareService(home, {
    runs,
    summaries: new RunSummaries(runs),
    series: new SeriesCache(),
    openDataset: async (reference) => {
      opened.push(reference);
      throw new Error('the dataset is gone');
    },
  });
});
// Two hundred folders on a slow disk.
const PATIENCE_MS = 120_000;
afterEach(() => rmSync(home, { recursive: true, force: true }), PATIENCE_MS);

const losses = (seed: number, shift: number) => {
  const next = uniform(seed);
  return Array.from({ length: 60 }, () => 1 + next() + shift);
};

/** Two learning rates, three seeds each; the higher one is better by 0.2 nats. */
function writeSix(): string[] {
  return [1e-4, 4e-4].flatMap((rate, k) =>
    [1, 2, 3].map((seed) => {
      const id = `rate${k}-seed${seed}`;
      const noise = uniform(seed + 10 * k);
      const rows = losses(7, -0.2 * k).map((loss) => loss + 0.05 * noise());
      writeRun(home, id, {
        rate,
        seed,
        rows,
        losses: [2, 1.4 - 0.2 * k + seed / 1000],
        minute: 3 * k + seed,
      });
      return id;
    }),
  );
}

it('six runs are two groups, and the verdict is told by rows and by seeds', async () => {
  const view = viewOf({ runs: writeSix() });
  const report = await compare.report(view);
  expect(report.groups.map(({ title, changes }) => [title, changes])).toEqual([
    ['rate0 x3 seeds', []],
    ['rate1 x3 seeds', ['Learning rate 0.0004']],
  ]);
  const [verdict] = await compare.verdicts(view);
  expect(verdict).toMatchObject({
    candidate: 'rate1-seed1',
    outcome: 'better',
    rows: 60,
    seedNoise: 'known',
  });
  const swapped = (await compare.verdicts({ ...view, baseline: 'rate1-seed2' }))[0];
  expect(swapped).toMatchObject({ candidate: 'rate0-seed1', outcome: 'worse' });
});

it('pinned groups come first, whatever the order of the view', async () => {
  const view = viewOf({ runs: writeSix(), pinned: ['rate1-seed3'], baseline: 'rate0-seed1' });
  const { groups } = await compare.report(view, false);
  expect(groups.map(({ key, pinned, baseline }) => [key, pinned, baseline])).toEqual([
    ['rate1-seed1', true, false],
    ['rate0-seed1', false, true],
  ]);
});

it('rows are won and lost, and a dataset that is gone only costs its columns', async () => {
  const view = viewOf({ runs: writeSix() });
  const found = await compare.examples(view, 'rate1-seed1', { ...FIRST, slice: 'topic' });
  expect(found).toMatchObject({ problem: null, won: 60, lost: 0, tied: 0, columns: [] });
  expect(found.slices).toHaveLength(4);
  expect(opened).toEqual(['/data/rows.jsonl']);
  expect(found.examples[0]?.messages[0]?.content).toBe('What is 0?');
});

describe('what may be wrong', () => {
  it('no run, one run', async () => {
    const none = await compare.report(viewOf({ runs: [] }));
    expect(none).toMatchObject({ runs: [], groups: [], settings: [], results: [], missing: [] });
    expect(await compare.verdicts(viewOf({ runs: [] }))).toEqual([]);
    writeRun(home, 'only');
    const one = await compare.report(viewOf({ runs: ['only', 'only'] }));
    expect(one.groups).toHaveLength(1);
    expect(one.settings.some(({ differs }) => differs)).toBe(false);
    expect(await compare.verdicts(viewOf({ runs: ['only'] }))).toEqual([]);
    const curves = await compare.curves(viewOf({ runs: [] }), {
      metric: 'loss',
      source: 'steps',
      axis: 'step',
      most: 100,
      window: null,
    });
    expect(curves).toEqual({ runs: [], x: [], groups: [], extent: null });
  });

  it('runs that are gone are named, also all of them', async () => {
    writeRun(home, 'there');
    const report = await compare.report(
      viewOf({ runs: ['gone', 'there', '../evil'], baseline: 'gone', pinned: ['gone'] }),
    );
    expect(report.missing).toEqual(['gone', '../evil']);
    expect(report.groups.map(({ key, baseline }) => [key, baseline])).toEqual([['there', true]]);
    const nothing = await compare.report(viewOf({ runs: ['gone'] }));
    expect(nothing).toMatchObject({ groups: [], missing: ['gone'] });
    expect(() => compare.data(viewOf({ runs: ['gone'] }), 'gone')).toThrow('not in this comparison');
  });

  it('a folder that is half gone keeps what is left, and says what is missing', async () => {
    writeRun(home, 'whole', { rows: losses(1, 0) });
    for (const [id, file] of [
      ['no-events', 'events/rank-000.jsonl'],
      ['no-rows', 'data/eval-rows.jsonl'],
      ['no-status', 'status.json'],
    ] as const)
      unlinkSync(join(writeRun(home, id, { rows: losses(1, 0) }), file));
    unlinkSync(join(writeRun(home, 'no-spec'), 'spec.json'));
    writeFileSync(join(writeRun(home, 'torn-spec', { rows: losses(1, 0) }), 'spec.json'), '{"cut');
    writeFileSync(join(writeRun(home, 'torn', { rows: losses(1, 0) }), 'environment.json'), '{"cut');
    const ids = ['whole', 'torn-spec', 'no-events', 'no-rows', 'no-status', 'torn'];
    const view = viewOf({ runs: [...ids, 'no-spec'], grouped: false });
    const report = await compare.report(view);
    // Without a spec it is no run any more.
    expect(report.missing).toEqual(['no-spec']);
    expect(report.runs.map(({ id }) => id)).toEqual(ids);
    expect(report.runs.filter(({ problem }) => problem).map(({ id }) => id)).toEqual(['torn-spec', 'torn']);
    expect(report.warnings.join()).toContain('torn');
    const loss = report.results.find(({ metric, source }) => metric === 'loss' && source === 'eval');
    expect(loss?.values.map((cell) => cell !== null)).toEqual([true, true, false, true, true, true]);
    const outcomes = (await compare.verdicts(view)).map(({ candidate, outcome }) => [candidate, outcome]);
    expect(outcomes).toContainEqual(['no-rows', 'not_comparable']);
    expect((await compare.examples(view, 'no-rows', FIRST)).problem).toBe(
      'No-rows has no per-example record: older runs, and runs that have not evaluated yet, have none.',
    );
    expect(compare.data(view, 'torn-spec').rows.length).toBeGreaterThan(0);
    expect((await compare.table(view)).rows).toHaveLength(6);
  });

  it('a run of an older version has no record, and is compared in all else', async () => {
    writeRun(home, 'new', { rows: losses(1, 0) });
    const old = writeRun(home, 'old');
    const first = {
      v: 1,
      rank: 0,
      seq: 0,
      step: 1,
      timeUs: 1,
      type: 'step',
      payload: {
        loss: 1.7,
        learning_rate: 1e-4,
        grad_norm: 1,
        epoch: 0.1,
        tokens: 10,
        target_tokens: 5,
        step_seconds: 1,
        tokens_per_second: 10,
        memory_bytes: 1,
        memory_peak_bytes: 1,
      },
    };
    writeFileSync(join(old, 'events/rank-000.jsonl'), `${JSON.stringify(first)}\n`);
    const view = viewOf({ runs: ['new', 'old'], grouped: false });
    const { results } = await compare.report(view);
    expect(
      results.find(({ metric, source }) => metric === 'loss' && source === 'steps')?.values[1]?.mean,
    ).toBe(1.7);
    expect((await compare.verdicts(view))[0]).toMatchObject({ outcome: 'not_comparable' });
    expect((await compare.verdicts(view))[0]?.sentence).toContain('no per-example record');
  });

  it('runs without any common metric stand side by side with empty cells', async () => {
    writeRun(home, 'a');
    const b = writeRun(home, 'b');
    const other = {
      v: 2,
      rank: 0,
      seq: 0,
      step: 1,
      timeUs: 1,
      type: 'step',
      payload: { metrics: { reward: 0.5 } },
    };
    writeFileSync(join(b, 'events/rank-000.jsonl'), `${JSON.stringify(other)}\n`);
    const { results } = await compare.report(viewOf({ runs: ['a', 'b'], grouped: false }));
    const measured = results.filter(({ kind }) => kind === 'quality');
    expect(measured.every(({ values }) => values.some((cell) => cell === null))).toBe(true);
    expect(measured.some(({ metric }) => metric === 'reward')).toBe(true);
  });

  it(
    'two hundred runs',
    async () => {
      const ids = Array.from({ length: 200 }, (_, k) => {
        writeRun(home, `run-${k}`, { rate: 1e-4 * (1 + (k % 4)), seed: k, minute: k });
        return `run-${k}`;
      });
      const report = await compare.report(viewOf({ runs: ids, grouped: false }));
      expect(report.groups).toHaveLength(200);
      expect(report.settings.find(({ path }) => path === 'optimizer.learning_rate')?.values).toHaveLength(
        200,
      );
      expect((await compare.importance(viewOf({ runs: ids }), 'loss', 'eval')).runs).toBe(200);
    },
    PATIENCE_MS,
  );
});

describe('saved comparisons', () => {
  it('are listed, changed and removed, and outlive their runs', async () => {
    const saved = compare.library.save('Rates', viewOf({ runs: ['gone'] }), null);
    expect(compare.library.list().map(({ name }) => name)).toEqual(['Rates']);
    const changed = compare.library.save('Ranks', viewOf({ runs: ['gone', 'other'] }), saved.id);
    expect(changed).toMatchObject({ id: saved.id, createdAt: saved.createdAt, name: 'Ranks' });
    expect((await compare.report(compare.library.get(saved.id).view)).missing).toEqual(['gone', 'other']);
    compare.library.remove(saved.id);
    expect(compare.library.list()).toEqual([]);
    expect(() => compare.library.get(saved.id)).toThrow('no saved comparison');
    expect(() => compare.library.get('../../etc/passwd')).toThrow('no saved comparison');
  });

  it('that cannot be read are left out of the list', () => {
    const { id } = compare.library.save('Rates', viewOf({ runs: [] }), null);
    writeFileSync(join(home, 'comparisons', 'torn.json'), '{"v": 1');
    expect(compare.library.list().map((one) => one.id)).toEqual([id]);
  });
});
