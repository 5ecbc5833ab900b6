import { describe, expect, it } from 'vitest';
import { changedSweep } from '../../../electron/server/queue/sweep.ts';
import { sweepSchema } from '../../../electron/shared/spec/sweep.ts';

const before = sweepSchema.parse({
  name: 'Rates',
  spec: { model: 'm', evaluation: { every_steps: 5 } },
  settings: { 'method.rank': { values: [4, 8] } },
  seeds: [1, 2],
  ...{ halving: { rungs: [1000], eta: 2 }, plateau: { evaluations: 3 }, budget: { hours: 1 } },
});

describe('a sweep that is changed while it runs', () => {
  it('keeps what is not said: its halving, plateau, seeds and budget', () => {
    const settings = { 'method.rank': { values: [4, 8, 16] } };
    expect(changedSweep(before, { settings })).toEqual({ ...before, settings });
    const budget = { hours: 4, tokens: null };
    expect(changedSweep(before, { budget: { hours: 4 } })).toEqual({ ...before, budget });
  });

  it('loses what is null', () => {
    expect(changedSweep(before, { halving: null, budget: null })).toEqual({
      ...{ ...before, halving: null, budget: null },
    });
  });

  it('keeps its name and its spec', () => {
    expect(changedSweep(before, { name: 'Other', spec: { model: 'n' } })).toEqual(before);
  });

  it('names what is wrong', () => {
    expect(() => changedSweep(before, { budget: {} })).toThrow('budget: a budget has hours, tokens or both');
  });
});
