/**
 * BLEU (Papineni et al. 2002, https://aclanthology.org/P02-1040) as sacreBLEU computes it: tokenizer 13a, case kept, n-grams up to 4,
 * exponential smoothing. Statistics of examples add up, so that the score of a set is one division over all of them.
 */
import { type Counts, countNgrams, trimEnd, words } from './text.ts';

const ORDER = 4;

/** Of one answer, or the sum over several. */
export interface BleuStatistics {
  answerLength: number;
  referenceLength: number;
  /** By order, n-grams of the answer that the references have. */
  correct: number[];
  /** By order, n-grams of the answer. */
  all: number[];
}

/** mteval-v13a's: punctuation and symbols of ASCII stand alone, except a period or comma between digits. */
export function tokenize13a(text: string): string[] {
  const line = text
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>');
  return words(
    ` ${line} `
      .replace(/([{-~[-` -&(-+:-@/])/g, ' $1 ')
      .replace(/([^0-9])([.,])/gu, '$1 $2 ')
      .replace(/([.,])([^0-9])/gu, ' $1 $2')
      .replace(/([0-9])(-)/g, '$1 $2 '),
  );
}

/** The reference length next to that of the answer; of two, the shorter. */
const closest = (length: number, lengths: readonly number[]) =>
  lengths.reduce((best, one) => {
    const nearer = Math.abs(one - length) - Math.abs(best - length);
    return nearer < 0 || (nearer === 0 && one < best) ? one : best;
  });

function mostOfAny(references: readonly string[][], n: number): Counts {
  const most = new Map<string, number>();
  for (const reference of references)
    for (const [ngram, count] of countNgrams(reference, n))
      most.set(ngram, Math.max(most.get(ngram) ?? 0, count));
  return most;
}

export function bleuStatistics(answer: string, references: readonly string[]): BleuStatistics {
  const own = tokenize13a(trimEnd(answer));
  const others = references.map((reference) => tokenize13a(trimEnd(reference)));
  const lengths = others.map((reference) => reference.length);
  const result: BleuStatistics = {
    answerLength: own.length,
    referenceLength: closest(own.length, lengths),
    correct: [],
    all: [],
  };
  for (let n = 1; n <= ORDER; n += 1) {
    const known = mostOfAny(others, n);
    let correct = 0;
    for (const [ngram, count] of countNgrams(own, n)) correct += Math.min(count, known.get(ngram) ?? 0);
    result.correct.push(correct);
    result.all.push(Math.max(own.length - n + 1, 0));
  }
  return result;
}

export function addBleu(parts: readonly BleuStatistics[]): BleuStatistics {
  const sum = (of: (one: BleuStatistics) => number) => parts.reduce((all, one) => all + of(one), 0);
  const orders = Array.from({ length: ORDER }, (_, n) => n);
  return {
    answerLength: sum((one) => one.answerLength),
    referenceLength: sum((one) => one.referenceLength),
    correct: orders.map((n) => sum((one) => one.correct[n] ?? 0)),
    all: orders.map((n) => sum((one) => one.all[n] ?? 0)),
  };
}

/**
 * The score, 0 to 100. `effective` is for single sentences: orders that the answer is too short for are left out, where a corpus
 * without any of them scores 0.
 */
export function bleu(
  { correct, all, answerLength, referenceLength }: BleuStatistics,
  order: 'whole' | 'effective',
): number {
  if (!correct.some((count) => count > 0)) return 0;
  const brevity = answerLength < referenceLength ? Math.exp(1 - referenceLength / answerLength) : 1;
  let [smooth, logs, orders] = [1, 0, 0];
  for (let n = 0; n < ORDER && (all[n] as number) > 0; n += 1) {
    const hits = correct[n] as number;
    if (hits === 0) smooth *= 2;
    logs += Math.log((100 * (hits === 0 ? 1 / smooth : hits)) / (all[n] as number));
    orders += 1;
  }
  // Of an order without any n-gram the precision is 0.
  if (order === 'whole' && orders < ORDER) return 0;
  return brevity * Math.exp(logs / orders);
}
