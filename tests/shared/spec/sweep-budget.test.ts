import { describe, expect, it } from 'vitest';
import { budgetSchema, budgetWords, isSpent } from '../../../electron/shared/spec/sweep-budget.ts';

describe('the budget of a sweep', () => {
  it('is spent when its hours or its tokens are', () => {
    const both = budgetSchema.parse({ hours: 2, tokens: 1000 });
    expect(isSpent(both, { hours: 1.9, tokens: 999 })).toBe(false);
    expect(isSpent(both, { hours: 2, tokens: 0 })).toBe(true);
    expect(isSpent(both, { hours: 0, tokens: 1000 })).toBe(true);
    expect(isSpent(budgetSchema.parse({ hours: 2 }), { hours: 0, tokens: 1e9 })).toBe(false);
  });

  it('is told as what is gone of it', () => {
    const spent = { hours: 0.51234, tokens: 31_000 };
    expect(budgetWords(budgetSchema.parse({ hours: 2, tokens: 50_000 }), spent)).toBe(
      '0.512 of 2 hours, 31,000 of 50,000 tokens',
    );
    expect(budgetWords(budgetSchema.parse({ tokens: 50_000 }), spent)).toBe('31,000 of 50,000 tokens');
  });

  it('has one of them at least, and more than nothing', () => {
    for (const wrong of [{}, { hours: 0 }, { tokens: 0.5 }, { hours: null, tokens: null }, { days: 1 }])
      expect(budgetSchema.safeParse(wrong).success).toBe(false);
  });
});
