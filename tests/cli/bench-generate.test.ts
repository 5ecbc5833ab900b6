/** The generation benchmark: ratios are of one round, and what cannot be compared is refused. */
import { describe, expect, it } from 'vitest';
import { benchGenerate, lineOf, results } from '../../electron/cli/bench/generate.ts';
import type { ModelCard } from '../../electron/shared/api/entities.ts';

const contestants = [
  { title: 'theirs', batch: 1, program: '', args: [], env: {} },
  { title: 'ours', batch: 8, program: '', args: [], env: {} },
];
const line = (seconds: number, first: number) => ({
  seconds,
  tokens: 4,
  answers: [
    [first, 2],
    [3, 4],
  ],
});

describe('collie bench generate', () => {
  it('takes ratios within a round, and counts first tokens that agree', () => {
    // The second round met a machine half as fast.
    const [base, ours] = results(contestants, [
      [line(2, 1), line(1, 9)],
      [line(4, 1), line(2, 9)],
    ]);
    expect(base).toMatchObject({ ratio: { min: 1, median: 1, max: 1 }, sameFirstTokens: 2 });
    expect(ours).toMatchObject({ batch: 8, ratio: { min: 2, median: 2, max: 2 }, sameFirstTokens: 1 });
    expect(ours?.tokensPerSecond).toEqual({ min: 2, median: 3, max: 4 });
    expect(ours && lineOf(ours)).toContain('2.00 (2.00 to 2.00)x, 1 of 8');
  });

  it('refuses a model that llama.cpp cannot read, with the way to one that it can', async () => {
    const model = { id: 'mine', name: 'Mine', origin: 'folder', source: '/models/mine' } as ModelCard;
    const refused = benchGenerate(model, { tokens: 8, rounds: 1, threads: 1 }, () => {});
    await expect(refused).rejects.toMatchObject({
      code: 'request.invalid',
      hint: expect.stringMatching(/quickstart/),
    });
  });
});
