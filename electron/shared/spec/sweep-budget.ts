/** What a whole sweep may spend. Pure: the rule, and what of it is gone. */
import { z } from 'zod';

export const budgetSchema = z
  .strictObject({
    /** Of training, over all of its runs; what waits in the queue costs nothing. */
    hours: z.number().positive().nullable().default(null),
    /** Trained tokens of all of its runs. */
    tokens: z.number().int().positive().nullable().default(null),
  })
  .refine(({ hours, tokens }) => hours !== null || tokens !== null, {
    message: 'a budget has hours, tokens or both',
  });
export type Budget = z.output<typeof budgetSchema>;

export const spentSchema = z.object({ hours: z.number(), tokens: z.number() });
export type Spent = z.infer<typeof spentSchema>;

/** The phase that runs end in that it has stopped. */
export const BUDGET_SPENT = 'Stopped: the budget of its sweep is spent';

export const isSpent = (budget: Budget, { hours, tokens }: Spent): boolean =>
  (budget.hours !== null && hours >= budget.hours) || (budget.tokens !== null && tokens >= budget.tokens);

const digits = (value: number) =>
  Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 6 });
const whole = (value: number) => value.toLocaleString('en-US');

/** "0.5 of 2 hours, 31,000 of 50,000 tokens". */
export function budgetWords(budget: Budget, { hours, tokens }: Spent): string {
  return [
    ...(budget.hours === null ? [] : [`${digits(hours)} of ${digits(budget.hours)} hours`]),
    ...(budget.tokens === null ? [] : [`${whole(tokens)} of ${whole(budget.tokens)} tokens`]),
  ].join(', ');
}
