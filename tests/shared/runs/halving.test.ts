import { describe, expect, it } from 'vitest';
import { type HalvingRun, promotions } from '../../../electron/shared/runs/halving.ts';

const run = (id: string, losses: (number | null)[], paused = true): HalvingRun => ({
  id,
  paused,
  rungs: losses.map((loss, k) => ({ tokens: 100 * (k + 1), step: k, loss })),
});

describe('successive halving', () => {
  it('takes nobody on before as many have reached a rung as one of them may leave it', () => {
    expect(promotions([run('a', [1]), run('b', [2])], 2, 3)).toEqual([]);
    expect(promotions([run('a', [1]), run('b', [2]), run('c', [3])], 2, 3)).toEqual(['a']);
  });

  it('takes each on once: who has gone on counts among the best of the rung', () => {
    const gone = run('a', [1], false);
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
