/** Which evaluated rows are shown, and in what order. Pure. */

import type { ExampleRow, Found } from '../../../../electron/shared/api/examples.ts';
import { metricInfo } from '../../../../electron/shared/runs/metrics.ts';

export const orders = ['worst', 'best', 'worse', 'better', 'random', 'file'] as const;
export type Order = (typeof orders)[number];
export const orderTitles: Record<Order, string> = {
  worst: 'Worst first',
  best: 'Best first',
  worse: 'Most worsened first',
  better: 'Most improved first',
  random: 'Random',
  file: 'As in the file',
};

/** Loss falls as a model gets better; all other scores rise. */
export const lowerIsBetter = (score: string): boolean => metricInfo(score).better === 'lower';

export const scoreOf = (found: Found | null, score: string): number | null => found?.scores[score] ?? null;

/** By how much the right one is better; null where one of the two is missing. */
export function improvement({ left, right }: ExampleRow, score: string): number | null {
  const [a, b] = [scoreOf(left, score), scoreOf(right, score)];
  if (a === null || b === null) return null;
  return lowerIsBetter(score) ? a - b : b - a;
}

/** The same order every time. */
const shuffled = (id: string): number => Number.parseInt(id.slice(0, 8), 16);

function matches({ messages, expected, left, right }: ExampleRow, words: string): boolean {
  if (words === '') return true;
  const texts = [
    ...messages.map(({ content }) => content),
    ...expected,
    ...[left, right].flatMap((found) => [...(found?.answers ?? []), found?.chosen ?? '']),
  ];
  return texts.some((text) => text.toLowerCase().includes(words.toLowerCase()));
}

export interface RowsWish {
  order: Order;
  score: string;
  search: string;
}

export function orderedRows(rows: readonly ExampleRow[], { order, score, search }: RowsWish): ExampleRow[] {
  const found = rows.filter((row) => matches(row, search.trim()));
  const sign = lowerIsBetter(score) ? -1 : 1;
  /** Rows without the value come last. */
  const by = (value: (row: ExampleRow) => number | null) =>
    found.toSorted(
      (a, b) =>
        (value(a) ?? Number.POSITIVE_INFINITY) - (value(b) ?? Number.POSITIVE_INFINITY) || a.row - b.row,
    );
  const quality = (row: ExampleRow) => {
    const value = scoreOf(row.right ?? row.left, score);
    return value === null ? null : sign * value;
  };
  const flipped = (value: (row: ExampleRow) => number | null) => (row: ExampleRow) => {
    const one = value(row);
    return one === null ? null : -one;
  };
  switch (order) {
    case 'worst':
      return by(quality);
    case 'best':
      return by(flipped(quality));
    case 'worse':
      return by((row) => improvement(row, score));
    case 'better':
      return by(flipped((row) => improvement(row, score)));
    case 'random':
      return by(({ id }) => shuffled(id));
    case 'file':
      return [...found];
  }
}
