/** Curves on one grid: means of seeds with their band, and what may be subtracted. */
import { describe, expect, it } from 'vitest';
import { curvesOf, type Line, lineOf, onGrid } from '../../../electron/server/compare/curves.ts';
import { seriesOf } from './support.ts';

const line = (id: string, x: number[], y: number[]): Line => ({
  id,
  x: Float64Array.from(x),
  y: Float64Array.from(y),
});
const long = (id: string, shift: number): Line =>
  line(
    id,
    Array.from({ length: 10_000 }, (_, k) => k),
    Array.from({ length: 10_000 }, (_, k) => shift + (k % 2)),
  );

describe('groups of curves', () => {
  it('have the mean of their runs with the 95 % interval of the t distribution', () => {
    const lines = [line('a', [1, 2], [1, 4]), line('b', [1, 2], [2, 5]), line('c', [1, 2], [3, 6])];
    const { groups, x } = curvesOf([{ key: 'a', lines }], 1000, null);
    expect(x).toEqual([1, 2]);
    expect(groups[0]).toMatchObject({ key: 'a', n: 3, mean: [2, 5] });
    // scipy.stats.t.ppf(0.975, 2) / sqrt(3) = 2.484137...
    expect(groups[0]?.low?.[0]).toBeCloseTo(2 - 2.4841377, 6);
    expect(groups[0]?.high?.[1]).toBeCloseTo(5 + 2.4841377, 6);
  });

  it('have no band of one run', () => {
    const { groups } = curvesOf([{ key: 'a', lines: [line('a', [1, 2], [1, 4])] }], 1000, null);
    expect(groups[0]).toMatchObject({ n: 1, low: null, high: null, mean: [1, 4] });
  });

  it('have a mean only where all of their runs have a value', () => {
    const lines = [line('a', [1, 2, 3], [1, 1, 1]), line('b', [1, 2], [3, 3])];
    expect(curvesOf([{ key: 'a', lines }], 1000, null).groups[0]?.mean).toEqual([2, 2, null]);
  });

  it('stand on one grid: sparse ones at their own places, between them on the line', () => {
    const groups = [
      { key: 'a', lines: [line('a', [0, 10], [0, 10])] },
      { key: 'b', lines: [line('b', [0, 5, 10], [1, 1, 1])] },
    ];
    const found = curvesOf(groups, 1000, null);
    expect(found.x).toEqual([0, 5, 10]);
    expect(found.groups.map(({ mean }) => mean)).toEqual([
      [0, 5, 10],
      [1, 1, 1],
    ]);
  });

  it('are means of what lies in a place where the runs are long; the curves keep highs and lows', () => {
    const found = curvesOf(
      [
        { key: 'a', lines: [long('a', 0)] },
        { key: 'b', lines: [long('b', 3)] },
      ],
      400,
      null,
    );
    expect(found.x).toHaveLength(200);
    const [a, b] = found.groups;
    for (const [k, value] of (a?.mean ?? []).entries()) {
      expect(Math.abs((value ?? 0) - 0.5)).toBeLessThan(0.02); // an odd number of points in a place
      expect((b?.mean[k] ?? 0) - (value ?? 0)).toBeCloseTo(3, 6);
    }
    expect(found.runs[0]?.points).toBe(10_000);
    expect(found.runs[0]?.x.length).toBeLessThanOrEqual(400);
    expect(new Set(found.runs[0]?.y)).toEqual(new Set([0, 1]));
    expect(found.extent).toEqual([0, 9999]);
  });

  it('show every point of a small window, and one beyond each end', () => {
    const found = curvesOf([{ key: 'a', lines: [long('a', 0)] }], 400, [1000, 1010]);
    expect(found.x[0]).toBe(1000);
    expect(found.x.at(-1)).toBe(1011);
    expect(found.x).toHaveLength(12);
    expect(found.extent).toEqual([0, 9999]);
  });

  it('are none without any value', () => {
    expect(curvesOf([{ key: 'a', lines: [] }], 400, null)).toEqual({
      runs: [],
      x: [],
      groups: [],
      extent: null,
    });
    expect(
      curvesOf([{ key: 'a', lines: [long('a', 0)] }], 400, [20_000, 30_000]).groups[0]?.mean.every(
        (value) => value === null || Number.isFinite(value),
      ),
    ).toBe(true);
  });
});

it('a line leaves out what is no number', () => {
  const found = lineOf('a', seriesOf([3, Number.NaN, 1]).steps, 'loss', 'step');
  expect([...found.x]).toEqual([1, 3]);
  expect([...found.y]).toEqual([3, 1]);
});

it('a grid beyond the ends of a line has nothing there', () => {
  expect([...onGrid(line('a', [1, 2], [5, 6]), { x: Float64Array.of(0, 1.5, 3), width: 0 })]).toEqual([
    Number.NaN,
    5.5,
    Number.NaN,
  ]);
});
