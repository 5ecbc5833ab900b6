/** How the command line names the rule of results. */
import type { ResultRule } from '../shared/runs/comparison.ts';

/** `last`, `best`, `mean:<n>`, `equal-tokens` or `equal-time`; null for anything else. */
export function parseRule(text: string): ResultRule | null {
  const count = /^mean:(\d{1,4})$/.exec(text)?.[1];
  if (count !== undefined && Number(count) >= 2 && Number(count) <= 1000)
    return { kind: 'mean_last', count: Number(count) };
  if (text === 'last' || text === 'best') return { kind: text };
  if (text === 'equal-tokens') return { kind: 'equal_tokens' };
  return text === 'equal-time' ? { kind: 'equal_time' } : null;
}
