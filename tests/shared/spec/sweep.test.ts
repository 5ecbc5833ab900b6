import { describe, expect, it } from 'vitest';
import { SOBOL_DIMENSIONS, sobol } from '../../../electron/shared/spec/sobol.ts';
import { expandSweep, MOST_RUNS, type SweepInput, sweepSchema } from '../../../electron/shared/spec/sweep.ts';
import fromScipy from '../../fixtures/sweep/sobol.json' with { type: 'json' };

const RATE = 'optimizer.learning_rate';
const sweep = (input: Partial<SweepInput>) =>
  sweepSchema.parse({ name: 'Rates', spec: { method: { type: 'lora', rank: 8 } }, settings: {}, ...input });
const expand = (input: Partial<SweepInput>) => expandSweep(sweep(input));
const valuesOf = (input: Partial<SweepInput>) =>
  expand(input).points.map(({ values }) => Object.values(values));

describe('the points of a sweep', () => {
  it('are every combination of a grid, the last setting first', () => {
    const settings = {
      [RATE]: { values: [1e-4, 2e-4] },
      'method.rank': { from: 8, to: 16, steps: 3, whole: true },
    };
    expect(valuesOf({ settings })).toEqual([
      ...[
        [1e-4, 8],
        [1e-4, 12],
        [1e-4, 16],
      ],
      ...[
        [2e-4, 8],
        [2e-4, 12],
        [2e-4, 16],
      ],
    ]);
  });

  it('lie evenly on a log range', () => {
    const settings = { [RATE]: { from: 1e-5, to: 1e-3, scale: 'log', steps: 3 } } as const;
    expect(valuesOf({ settings })).toEqual([[1e-5], [1e-4], [1e-3]]);
  });

  it('are specs of their own, one a seed, named by what they have', () => {
    const { points } = expand({ settings: { 'method.rank': { values: [4] } }, seeds: [1, 2] });
    expect(points[0]?.specs).toEqual([
      { method: { type: 'lora', rank: 4 }, seed: 1, name: 'Rates: rank 4, seed 1' },
      { method: { type: 'lora', rank: 4 }, seed: 2, name: 'Rates: rank 4, seed 2' },
    ]);
  });

  it('keep the seed of the spec where the sweep has none', () => {
    const { points } = expand({ spec: { seed: 7 }, settings: { 'method.rank': { values: [4] } } });
    expect(points[0]?.specs).toEqual([{ seed: 7, method: { rank: 4 }, name: 'Rates: rank 4' }]);
  });

  it('count once what comes twice, and leave out what a constraint forbids', () => {
    const settings = { 'method.rank': { values: [4, 4, 8, 32] }, 'method.alpha': { values: [8] } };
    const constraints = [{ left: 'method.rank', is: '<=', right: 'method.alpha' } as const];
    const { points, duplicates, excluded } = expand({ settings, constraints });
    expect([points.map(({ values }) => values['method.rank']), duplicates, excluded]).toEqual([[4, 8], 1, 1]);
    expect(points.reduce((sum, { again }) => sum + again, 0)).toBe(1);
  });

  it('have only the settings of their variant: what only others have makes no point twice', () => {
    const settings = {
      'method.type': { values: ['lora', 'full'] },
      'method.rank': { values: [4, 8] },
    };
    const spec = { method: { type: 'lora', rank: 8, alpha: 16 } };
    const { points, duplicates } = expand({ spec, settings });
    expect(points.map(({ specs }) => specs[0]?.method)).toEqual([
      { type: 'lora', rank: 4, alpha: 16 },
      { type: 'lora', rank: 8, alpha: 16 },
      { type: 'full' },
    ]);
    expect([points.at(-1)?.values, duplicates]).toEqual([{ 'method.type': 'full' }, 1]);
  });

  it('judge by the spec what is not swept, and numbers as they are', () => {
    const settings = { [RATE]: { values: [1e-4, 1e-2] } };
    const right = { left: RATE, is: '<', right: 1e-3 } as const;
    expect(valuesOf({ settings, constraints: [right] })).toEqual([[1e-4]]);
    const rank = { left: 'method.rank', is: '=', right: 8 } as const;
    expect(expand({ settings, constraints: [rank] }).points).toHaveLength(2);
  });

  it.each(['random', 'sobol'] as const)(
    'of %s lie within their ranges, and are the same for the same seed',
    (search) => {
      const settings: SweepInput['settings'] = {
        [RATE]: { from: 1e-5, to: 1e-3, scale: 'log' },
        'method.rank': { values: [4, 8, 16] },
      };
      const wish = { settings, search, points: 40, search_seed: 3 };
      const found = valuesOf(wish);
      expect(found).toHaveLength(40);
      for (const [rate, rank] of found) {
        expect(rate).toBeGreaterThanOrEqual(1e-5);
        expect(rate).toBeLessThanOrEqual(1e-3);
        expect([4, 8, 16]).toContain(rank);
      }
      expect(valuesOf(wish)).toEqual(found);
      expect(valuesOf({ ...wish, search_seed: 4 })).not.toEqual(found);
    },
  );
});

describe('a sweep is refused', () => {
  it.each<[string, Partial<SweepInput>, RegExp]>([
    [
      'too many runs',
      {
        settings: { 'method.rank': { from: 1, to: 100, steps: 100 }, [RATE]: { from: 1, to: 2, steps: 100 } },
      },
      /asks for 10000 runs; 1000 is the most/,
    ],
    ['an unknown setting', { settings: { 'method.ranks': { values: [1] } } }, /no setting method\.ranks/],
    [
      'constraints that leave nothing',
      {
        settings: { 'method.rank': { values: [4] } },
        constraints: [{ left: 'method.rank', is: '>', right: 8 }],
      },
      /leave none of its 1 points/,
    ],
    [
      'a constraint without a value',
      {
        settings: { 'method.rank': { values: [4] } },
        constraints: [{ left: 'method.alpha', is: '>', right: 8 }],
      },
      /method\.alpha has no value/,
    ],
    [
      'words compared as numbers',
      {
        settings: { 'method.type': { values: ['lora'] } },
        constraints: [{ left: 'method.type', is: '>', right: 8 }],
      },
      /what are no numbers: lora, 8/,
    ],
  ])('for %s', (_, input, message) => {
    expect(() => expand(input)).toThrow(message);
  });

  it.each<[string, Partial<SweepInput>]>([
    ['an empty range', { settings: { [RATE]: { from: 1, to: 1 } } }],
    ['a log range from zero', { settings: { [RATE]: { from: 0, to: 1, scale: 'log' } } }],
    ['no settings', { settings: {} }],
    ['an empty list', { settings: { [RATE]: { values: [] } } }],
  ])('for %s', (_, input) => {
    expect(() => sweep(input)).toThrow();
  });

  it('never grows past its limit', () => {
    expect(() =>
      expand({
        settings: { [RATE]: { from: 1, to: 2 } },
        search: 'random',
        points: MOST_RUNS,
        seeds: [1, 2],
      }),
    ).toThrow(/2000 runs/);
  });
});

describe('Sobol points', () => {
  it('are those of SciPy, in every dimension', () => {
    expect(sobol(fromScipy.length, SOBOL_DIMENSIONS)).toEqual(fromScipy);
  });

  it('fill every half, quarter and eighth alike, with a shift too', () => {
    const places = sobol(64, 3, [0x9e3779b9, 0x7f4a7c15, 0x12345678]).map((point) =>
      point.map((x) => Math.floor(x * 8)),
    );
    for (let d = 0; d < 3; d += 1) {
      const counts = Array.from({ length: 8 }, (_, bin) => places.filter((point) => point[d] === bin).length);
      expect(counts).toEqual(Array(8).fill(8));
    }
  });

  it('name their limit', () => {
    expect(() => sobol(1, SOBOL_DIMENSIONS + 1)).toThrow(RangeError);
  });
});
