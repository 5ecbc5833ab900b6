/** The verdict in words. Pure. */
import type { Tested } from '../../shared/runs/comparison.ts';
import { plural } from './comparable.ts';
import type { TTest } from './statistics/tests.ts';

/** What runs that were trained again say. */
export interface SeedLevel {
  found: (TTest & { n: number }) | null;
  noise: 'known' | 'unknown';
  paired: boolean;
}

export const short = (value: number) => Number(value.toPrecision(3)).toString();

/** Shares are told in percentage points. */
const scaled = (value: number, unit: string) => short(unit === 'share' ? 100 * value : value);
const unitOf = (unit: string) => (unit === 'share' ? 'percentage points' : unit);

export const amount = (value: number, unit: string): string =>
  `${scaled(value, unit)} ${unitOf(unit)}`.trim();

/** In the middle of a sentence: "loss", but "BLEU" and "F1 of words". */
const inWords = (title: string) =>
  /^[A-Z][a-z]/.test(title) ? title.charAt(0).toLowerCase() + title.slice(1) : title;

export function sentenceOf(test: Tested, rows: number, seeds: SeedLevel): string {
  const over = `on ${plural(rows, 'row')}${seeds.found ? ` and ${seeds.found.n} ${seeds.paired ? 'matched ' : ''}seeds` : ''}`;
  const { difference, unit, title } = test;
  const interval = `95 % interval ${scaled(test.low ?? 0, unit)} to ${scaled(test.high ?? 0, unit)}, p = ${short(test.adjusted)}`;
  if (test.outcome !== 'no_difference') {
    const word = test.outcome === 'better' ? 'Better' : 'Worse';
    return `${word}: its ${inWords(title)} is ${amount(Math.abs(difference), unit)} ${difference < 0 ? 'lower' : 'higher'} ${over} (${interval}).`;
  }
  const would = test.detectable
    ? `; a difference of ${amount(test.detectable, unit)} or more would have been seen`
    : '';
  return `No difference seen in ${inWords(title)} ${over} (${interval})${would}.`;
}
