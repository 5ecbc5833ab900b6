/** What the page of a comparison computes: addresses, colours, rows, lines, samples, logs. */
import { describe, expect, it } from 'vitest';
import type { ComparisonReport, Curves, RunTable } from '../../../electron/shared/runs/comparison.ts';
import { metricInfo } from '../../../electron/shared/runs/metrics.ts';
import { href, parseRoute } from '../../../renderer/src/app/route.ts';
import { writtenCell, writtenValue } from '../../../renderer/src/features/compare/cells.ts';
import { comparedLines, differenceLines } from '../../../renderer/src/features/compare/chart-lines.ts';
import type { LookedGroup } from '../../../renderer/src/features/compare/compared.ts';
import {
  axisScale,
  brushed,
  columnsOf,
  paretoFront,
} from '../../../renderer/src/features/compare/explore.ts';
import { logDiff, plainLine } from '../../../renderer/src/features/compare/log-diff.ts';
import { newSeeds } from '../../../renderer/src/features/compare/SeedsDialog.tsx';
import {
  ballots,
  commonSteps,
  samplePairs,
  wordDiff,
} from '../../../renderer/src/features/compare/sample-pairs.ts';
import { tableSections } from '../../../renderer/src/features/compare/table-rows.ts';
import { movedRuns, queryOfView, viewOfQuery } from '../../../renderer/src/features/compare/view-address.ts';
import {
  assignSlots,
  LOOKS,
  lookOf,
  lookOfRun,
  looksOf,
  ownColors,
  RUN_COLORS,
} from '../../../renderer/src/features/runs/run-looks.ts';

describe('the address', () => {
  const there = (query: string) => viewOfQuery(new URLSearchParams(query));

  it('holds a view and gives it back', () => {
    for (const query of [
      'runs=a,b',
      'runs=a,b,c&by=seed,method.rank&baseline=b&pinned=c&rule=mean-10&record=best',
      'runs=a&groups=off&rule=equal-tokens&record=first',
      'runs=a&rule=best',
    ]) {
      const view = there(query);
      const { query: back } = parseRoute(href('compare', queryOfView(view)));
      expect(viewOfQuery(back)).toEqual(view);
    }
  });

  it('takes what it cannot read for not chosen', () => {
    expect(there('runs=,,a,a&rule=mean-1&record=worst&groups=maybe')).toEqual(there('runs=a'));
    expect(there('').runs).toEqual([]);
  });

  it('moves a group before the one it is dropped on, or behind it when it came from the front', () => {
    const order = ['a1', 'a2', 'b1', 'c1', 'c2'];
    expect(movedRuns(order, ['c1', 'c2'], ['a1', 'a2'])).toEqual(['c1', 'c2', 'a1', 'a2', 'b1']);
    expect(movedRuns(order, ['a1', 'a2'], ['c1', 'c2'])).toEqual(['b1', 'c1', 'c2', 'a1', 'a2']);
    expect(movedRuns(order, ['a1'], ['gone'])).toEqual(order);
  });
});

describe('colours', () => {
  it('stay with a run, and never meet in one comparison', () => {
    const storage = new Map<string, string>();
    const local = {
      getItem: (key: string) => storage.get(key) ?? null,
      setItem: (key: string, value: string) => void storage.set(key, value),
    };
    const first = looksOf(['b', 'a'], local);
    expect(looksOf(['a', 'c', 'b'], local).get('a')).toEqual(first.get('a'));
    expect(looksOf(['b', 'a'], local)).toEqual(first);
    const twelve = looksOf(
      Array.from({ length: 12 }, (_, k) => `x${k}`),
      local,
    );
    expect(new Set([...twelve.values()].map((look) => JSON.stringify(look))).size).toBe(12);
    storage.set('collie.runs.colors', '{"torn');
    expect(looksOf(['a'], local).size).toBe(1);
  });

  it('are the same in lists, on the page of a run and in a comparison', () => {
    const storage = new Map<string, string>();
    let writes = 0;
    const local = {
      getItem: (key: string) => storage.get(key) ?? null,
      setItem: (key: string, value: string) => {
        writes += 1;
        storage.set(key, value);
      },
    };
    const listed = ['r1', 'r2', 'r3'].map((id) => lookOfRun(id, local));
    expect(new Set(listed.map(({ color }) => color)).size).toBe(3);
    expect(writes).toBe(0); // All at once, a moment later, or when a comparison asks for them.
    expect([...looksOf(['r1', 'r2', 'r3'], local).values()]).toEqual(listed);
    expect(looksOf(['r3', 'new'], local).get('r3')).toEqual(listed[2]);
    expect(lookOfRun('new', local)).toEqual(looksOf(['new'], local).get('new'));
  });

  it('leave the other lines of a run distinct from its own', () => {
    expect(ownColors({ color: 'var(--run-2)' })).toEqual({
      '--chart-1': 'var(--run-2)',
      '--chart-2': 'var(--run-1)',
    });
    expect(ownColors({ color: 'var(--run-7)' })).toEqual({ '--chart-1': 'var(--run-7)' });
  });

  it('take the next free look where two have the same', () => {
    expect(
      assignSlots(
        ['a', 'b'],
        new Map([
          ['a', 3],
          ['b', 3],
        ]),
      ),
    ).toEqual(
      new Map([
        ['a', 3],
        ['b', 0],
      ]),
    );
    // Other slots, but they would look the same.
    const alike = new Map([
      ['a', 3],
      ['b', 3 + LOOKS],
    ]);
    expect(assignSlots(['a', 'b'], alike).get('b')).toBe(0);
    const many = Array.from({ length: 3 * LOOKS }, (_, k) => `many${k}`);
    expect(assignSlots(many, new Map(many.map((id) => [id, 7]))).size).toBe(many.length);
    expect(lookOf(RUN_COLORS)).toEqual({ color: 'var(--run-1)', dash: '7 3' });
  });
});

const cell = (mean: number, delta: number | null = null, better: boolean | null = null) => ({
  mean,
  sd: null,
  n: 1,
  delta,
  better,
});
const report = {
  groups: [{}, {}],
  settings: [
    {
      section: 'Optimizer',
      path: 'optimizer.learning_rate',
      title: 'Learning rate',
      values: ['1', '2'],
      differs: true,
    },
    {
      section: 'Batch',
      path: 'batch.seq_len',
      title: 'Sequence length',
      values: ['512', '512'],
      differs: false,
    },
  ],
  environment: [
    { section: 'Environment', path: 'Device', title: 'Device', values: ['cpu', 'cuda'], differs: true },
  ],
  results: [
    {
      metric: 'loss',
      source: 'eval',
      title: 'Loss (evaluation)',
      unit: 'nats',
      better: 'lower',
      kind: 'quality',
      values: [cell(1), cell(0.9, -0.1, true)],
    },
    {
      metric: 'grad_norm',
      source: 'steps',
      title: 'Gradient norm',
      unit: '',
      better: null,
      kind: 'quality',
      values: [cell(1), cell(1)],
    },
    {
      metric: 'peak',
      source: 'cost',
      title: 'Peak memory',
      unit: 'bytes',
      better: 'lower',
      kind: 'cost',
      values: [cell(1), cell(1)],
    },
  ],
} as unknown as ComparisonReport;

describe('the table', () => {
  const titles = (wish: Parameters<typeof tableSections>[1], of = report) =>
    tableSections(of, wish).map(({ title, rows, same }) => [title, rows.map((row) => row.title), same]);

  it('shows what differs alone at first, results always', () => {
    expect(titles({ onlyDiffering: true, search: '' })).toEqual([
      ['Results', ['Loss (evaluation)'], 0],
      ['Settings that differ', ['Learning rate'], 0],
      ['Cost', ['Peak memory'], 0],
      ['Also measured', [], 1],
      ['Batch', [], 1],
      ['Environment', ['Device'], 0],
    ]);
  });

  it('shows the rest behind it, and all of a single group', () => {
    expect(titles({ onlyDiffering: false, search: '' }).at(-2)).toEqual(['Batch', ['Sequence length'], 0]);
    const one = { ...report, groups: report.groups.slice(1) };
    expect(titles({ onlyDiffering: true, search: '' }, one).at(-2)).toEqual([
      'Batch',
      ['Sequence length'],
      0,
    ]);
  });

  it('is searched by titles, paths and values', () => {
    expect(titles({ onlyDiffering: true, search: 'optimizer RATE' })).toEqual([
      ['Settings that differ', ['Learning rate'], 0],
    ]);
    expect(titles({ onlyDiffering: false, search: '512' }).flat()).toContain('Batch');
    expect(titles({ onlyDiffering: true, search: 'nonsense' })).toEqual([]);
  });

  it('writes values with spread, difference and direction', () => {
    expect(writtenCell('nats', { mean: 1.23456, sd: 0.01, n: 3, delta: -0.1, better: true })).toEqual({
      value: '1.235',
      spread: '± 0.01 (3)',
      delta: '−0.1 better',
      better: true,
    });
    expect(writtenCell('', cell(2, 0))).toMatchObject({ delta: 'the same', spread: '' });
    expect([0.0042, 0.00001, 5, 4000, -90].map((value) => writtenValue('seconds', value))).toEqual([
      '4.2 ms',
      '< 0.1 ms',
      '5 s',
      '1 h 07 min',
      '−1 min 30 s',
    ]);
  });
});

const group = (key: string, runs: string[], baseline = false): LookedGroup => ({
  key,
  title: key,
  runs,
  baseline,
  pinned: false,
  changes: [],
  look: lookOf(0),
  live: false,
});

describe('lines of a chart', () => {
  const curves: Curves = {
    runs: [
      { id: 'a', points: 3, x: [1, 2, 3], y: [3, 2, 1] },
      { id: 'b', points: 3, x: [1, 2, 3], y: [5, 4, 3] },
      { id: 'c', points: 2, x: [1, 3], y: [2, 2] },
    ],
    x: [1, 2, 3],
    groups: [
      { key: 'a', n: 2, mean: [4, 3, 2], low: [3, 2, 1], high: [5, 4, 3] },
      { key: 'c', n: 1, mean: [2, 2, null], low: null, high: null },
    ],
    extent: [1, 3],
  };
  const groups = [group('a', ['a', 'b'], true), group('c', ['c'])];
  const wish = { metric: metricInfo('loss'), evaluated: false, every: false };

  it('are the mean of several runs with its band, and what one run measured without any', () => {
    const [several, one] = comparedLines(curves, groups, wish);
    expect(several).toMatchObject({ key: 'a', label: 'a (n = 2)', style: 'plain' });
    expect([...(several?.band?.high ?? [])]).toEqual([5, 4, 3]);
    expect(one).toMatchObject({ key: 'c', label: 'c', style: 'smoothed' });
    expect(one?.band).toBeUndefined();
    expect([...(one?.x ?? [])]).toEqual([1, 3]);
    expect([...(one?.even?.x ?? [])]).toEqual([1, 2]);
  });

  it('show each run of a group where that is wished', () => {
    expect(comparedLines(curves, groups, { ...wish, every: true }).map(({ key }) => key)).toEqual([
      'a',
      'b',
      'a',
      'c',
    ]);
  });

  it('are differences only where both have a value, and none of the baseline to itself', () => {
    const [line, ...others] = differenceLines(curves, groups, 'a', wish);
    expect(others).toEqual([]);
    expect([...(line?.x ?? [])]).toEqual([1, 2]);
    expect([...(line?.y ?? [])]).toEqual([-2, -1]);
    expect(differenceLines(curves, groups, 'gone', wish)).toEqual([]);
  });
});

describe('many runs', () => {
  const table: RunTable = {
    columns: [
      { key: 'lr', title: 'Rate', kind: 'setting', unit: '', better: null, numeric: true },
      { key: 'opt', title: 'Optimizer', kind: 'setting', unit: '', better: null, numeric: false },
      { key: 'loss', title: 'Loss', kind: 'result', unit: 'nats', better: 'lower', numeric: true },
    ],
    rows: [
      { id: 'a', group: 'a', values: [1e-4, 'adamw', 3] },
      { id: 'b', group: 'b', values: [1e-3, 'lion', 2] },
      { id: 'c', group: 'c', values: [1e-2, 'sgd', null] },
    ],
  };
  const axes = (log: boolean, flipped = false) =>
    columnsOf(table).map((column) => ({
      column,
      scale: axisScale(
        table.rows.map(({ values }) => values[column.place] ?? null),
        log,
        flipped,
      ),
    }));

  it('lie on axes of numbers, logarithmic and flipped, and of names', () => {
    const [rate, optimizer] = axes(true);
    expect([1e-4, 1e-3, 1e-2].map((value) => rate?.scale.at(value).toFixed(3))).toEqual([
      '0.000',
      '0.500',
      '1.000',
    ]);
    expect(axes(false)[0]?.scale.at(1e-3)).toBeLessThan(0.1);
    expect(axes(true, true)[0]?.scale.at(1e-2)).toBe(0);
    expect(['adamw', 'lion', 'sgd'].map((name) => optimizer?.scale.at(name))).toEqual([0, 0.5, 1]);
    expect(rate?.scale.at(null)).toBeNaN();
    expect(axisScale([5, 5], false, false).at(5)).toBe(0.5);
  });

  it('are kept by a brush; one without a value is not', () => {
    const all = axes(true);
    expect([...brushed(table.rows, all, new Map())]).toEqual(['a', 'b', 'c']);
    expect([...brushed(table.rows, all, new Map([['lr', [0, 0.6]]]))]).toEqual(['a', 'b']);
    expect([...brushed(table.rows, all, new Map([['loss', [0, 1]]]))]).toEqual(['a', 'b']);
  });

  it('have a front of those that none beats in both', () => {
    const points = [
      { x: 1, y: 5 },
      { x: 2, y: 3 },
      { x: 3, y: 4 },
      { x: 4, y: 1 },
    ];
    expect(paretoFront(points, { x: 'lower', y: 'lower' }).map(({ x }) => x)).toEqual([1, 2, 4]);
    expect(paretoFront(points, { x: 'higher', y: 'lower' }).map(({ x }) => x)).toEqual([4]);
    expect(paretoFront([], { x: 'lower', y: 'lower' })).toEqual([]);
  });
});

describe('samples', () => {
  const sample = (step: number, prompt: string, text: string) => ({
    step,
    promptIndex: prompt === 'p' ? 0 : 1,
    prompt,
    text,
    finish: 'stop' as const,
  });
  const pairs = samplePairs(
    { samples: [sample(0, 'p', 'one two'), sample(5, 'p', 'same'), sample(5, 'q', 'x')], lastStep: 5 },
    { samples: [sample(0, 'p', 'one three'), sample(5, 'p', 'same'), sample(9, 'p', 'void')], lastStep: 5 },
  );

  it('are joined by their prompts, at steps that both have', () => {
    expect(pairs.map(({ prompt }) => prompt)).toEqual(['p']);
    expect(commonSteps(pairs)).toEqual([0, 5]);
  });

  it('differ word by word', () => {
    expect(wordDiff('one two', 'one three')).toEqual([
      { text: 'one ', kind: 'same' },
      { text: 'two', kind: 'removed' },
      { text: 'three', kind: 'added' },
    ]);
  });

  it('are voted on only where they differ, on sides that chance picks', () => {
    expect(ballots(pairs, [0, 5], () => 0.2)).toEqual([{ pair: 0, step: 0, swapped: true }]);
    expect(ballots(pairs, [0, 5], () => 0.8)[0]?.swapped).toBe(false);
  });
});

it('logs differ only in what was done, not in when', () => {
  expect(plainLine('2026-11-28T04:53:55.120Z pid 12 loaded in 3.2 s')).toBe(
    plainLine('2026-11-28T05:00:01Z pid 99 loaded in 41 ms'),
  );
  const equal = Array.from({ length: 9 }, (_, k) => `line ${k}`);
  expect(logDiff([...equal, 'old'], [...equal, 'new']).map(({ kind, text }) => `${kind} ${text}`)).toEqual([
    'skipped 7 equal lines',
    'same line 7',
    'same line 8',
    'removed old',
    'added new',
  ]);
  expect(logDiff([], [])).toEqual([]);
});

it('new seeds are the same two for both sides, and none that is there', () => {
  expect(newSeeds([1, 7, null])).toEqual([8, 9]);
  expect(newSeeds([])).toEqual([1, 2]);
});
