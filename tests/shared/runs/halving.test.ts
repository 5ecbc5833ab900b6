import { describe, expect, it } from 'vitest';
import { type HalvingRun, promotions } from '../../../electron/shared/runs/halving.ts';

const run = (id: string, losses: (number | null)[], more: Partial<HalvingRun> = {}): HalvingRun => ({
  ...{ id, point: id, state: 'paused', passed: Math.max(0, losses.length - 1) },
  rungs: losses.map((loss, k) => ({ tokens: 100 * (k + 1), step: k, loss })),
  ...more,
});

describe('successive halving', () => {
  it('takes nobody on before as many have reached a rung as one of them may leave it', () => {
    expect(promotions([run('a', [1]), run('b', [2])], 2, 3)).toEqual([]);
    expect(promotions([run('a', [1]), run('b', [2]), run('c', [3])], 2, 3)).toEqual(['a']);
  });

  it('takes each on once: who has gone on counts among the best of the rung', () => {
    const gone = run('a', [1], { state: 'going', passed: 1 });
    expect(promotions([gone, run('b', [2]), run('c', [3])], 2, 3)).toEqual([]);
    expect(promotions([gone, ...['b', 'c', 'd', 'e', 'f'].map((id, k) => run(id, [2 + k]))], 2, 3)).toEqual([
      'b',
    ]);
  });

  it('takes the highest rungs first, and never a loss that is not finite', () => {
    const runs = [run('a', [1, 0.5]), run('b', [2, 0.7]), run('c', [3]), run('d', [4])];
    expect(promotions(runs, 2, 2)).toEqual(['a']);
    expect(promotions([run('a', [null]), run('b', [null])], 1, 2)).toEqual([]);
  });
});

/** Runs `<point><seed>`, one a loss; null: in line, and not at the rung yet. */
const point = (name: string, losses: (number | null)[]) =>
  losses.map((loss, seed) =>
    loss === null
      ? run(`${name}${seed}`, [], { point: name, state: 'going' })
      : run(`${name}${seed}`, [loss], { point: name }),
  );

describe('seeds of one point under halving', () => {
  it('are one candidate, by the mean of their losses, and go on together', () => {
    // The best single run is one of the worse point.
    const runs = [...point('a', [0.1, 9]), ...point('b', [2, 2.2]), ...point('c', [3, 3])];
    expect(promotions(runs, 2, 3)).toEqual(['b0', 'b1']);
  });

  it('wait for all of them, and count once', () => {
    const others = [...point('b', [2, 2]), ...point('c', [3, 3])];
    expect(promotions([...point('a', [1, null]), ...others], 2, 3)).toEqual([]);
    expect(promotions([...point('a', [1, 1]), ...others], 2, 3)).toEqual(['a0', 'a1']);
    // Six runs, but two points: a third of them is none.
    expect(promotions([...point('a', [1, 1, 1]), ...point('b', [2, 2, 2])], 2, 3)).toEqual([]);
  });

  it('a seed that has ended otherwise does not keep the others; one that has failed does', () => {
    const others = [...point('b', [2, 2]), ...point('c', [3, 3])];
    const with_ = (state: HalvingRun['state']) => [
      ...point('a', [1]),
      run('a1', [], { point: 'a', state }),
      ...others,
    ];
    expect(promotions(with_('ended'), 2, 3)).toEqual(['a0']);
    expect(promotions(with_('going'), 2, 3)).toEqual([]);
  });

  it('one that is not finite keeps its point from going on', () => {
    const others = [...point('b', [2, 2]), ...point('c', [3, 3])];
    const broken = [...point('a', [1]), run('a1', [null], { point: 'a' })];
    expect(promotions([...broken, ...others], 2, 3)).toEqual(['b0', 'b1']);
  });

  it('a seed that was added later goes where the others of its point have gone', () => {
    const gone = run('a0', [1], { point: 'a', state: 'going', passed: 1 });
    const late = run('a1', [8], { point: 'a' });
    const others = [...point('b', [2, 2]), ...point('c', [3, 3]), ...point('d', [4, 4])];
    expect(promotions([gone, late, ...others], 2, 4)).toEqual(['b0', 'b1', 'a1']);
  });
});
