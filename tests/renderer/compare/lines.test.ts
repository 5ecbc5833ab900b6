/** Lines of a chart over groups of runs, and what many runs are drawn as. */
import { describe, expect, it } from 'vitest';
import type { Curves, RunTable } from '../../../electron/shared/runs/comparison.ts';
import { metricInfo } from '../../../electron/shared/runs/metrics.ts';
import { comparedLines, differenceLines } from '../../../renderer/src/features/compare/chart-lines.ts';
import type { LookedGroup } from '../../../renderer/src/features/compare/compared.ts';
import {
  axisScale,
  brushed,
  columnsOf,
  paretoFront,
} from '../../../renderer/src/features/compare/explore.ts';
import { lookOf } from '../../../renderer/src/features/runs/run-looks.ts';

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
