/**
 * chrF (Popović 2015, https://aclanthology.org/W15-3049) as sacreBLEU computes it: F2 of character n-grams up to 6, white space left
 * out. Statistics of examples add up.
 */
import { countNgrams, overlap, total, words } from './text.ts';

const ORDER = 6;
const BETA = 2;

/** By order: n-grams of the answer (none counted where the reference has none), of the reference, and those in both. */
export type ChrfStatistics = readonly (readonly [answer: number, reference: number, both: number])[];

function against(answer: string, reference: string): ChrfStatistics {
  // Characters are code points, as in Python.
  const [own, other] = [answer, reference].map((text) => Array.from(words(text).join(''))) as [
    string[],
    string[],
  ];
  return Array.from({ length: ORDER }, (_, k) => {
    const [a, b] = [countNgrams(own, k + 1), countNgrams(other, k + 1)];
    return [b.size > 0 ? total(a) : 0, total(b), overlap(a, b)] as const;
  });
}

/** Of the reference that the answer is closest to. */
export function chrfStatistics(answer: string, references: readonly string[]): ChrfStatistics {
  const all = references.map((reference) => against(answer, reference));
  return all.reduce((best, one) => (chrf(one) > chrf(best) ? one : best));
}

export const addChrf = (parts: readonly ChrfStatistics[]): ChrfStatistics =>
  Array.from({ length: ORDER }, (_, k) => {
    const sum = (i: 0 | 1 | 2) => parts.reduce((all, one) => all + (one[k]?.[i] ?? 0), 0);
    return [sum(0), sum(1), sum(2)] as const;
  });

/** The score, 0 to 100: precision and recall averaged over the orders that both texts have. */
export function chrf(statistics: ChrfStatistics): number {
  let [precision, recall, orders] = [0, 0, 0];
  for (const [answer, reference, both] of statistics) {
    if (answer === 0 || reference === 0) continue;
    precision += both / answer;
    recall += both / reference;
    orders += 1;
  }
  if (precision + recall === 0) return 0;
  [precision, recall] = [precision / orders, recall / orders];
  const factor = BETA ** 2;
  return (100 * (1 + factor) * precision * recall) / (factor * precision + recall);
}
