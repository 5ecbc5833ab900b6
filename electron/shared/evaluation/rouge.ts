/**
 * ROUGE-N and ROUGE-L (Lin 2004, https://aclanthology.org/W04-1013) as the package rouge-score computes them without its stemmer: words
 * of a to z and 0 to 9, in lower case. The F-measure against the reference that it is highest for.
 */
import { countNgrams, overlap, total } from './text.ts';

const tokens = (text: string): string[] => text.toLowerCase().match(/[a-z0-9]+/g) ?? [];

const fMeasure = (precision: number, recall: number) =>
  precision + recall > 0 ? (2 * precision * recall) / (precision + recall) : 0;

const best = (references: readonly string[], of: (reference: string[]) => number) =>
  Math.max(...references.map((reference) => of(tokens(reference))));

/** 0 to 1. */
export function rougeN(n: number, answer: string, references: readonly string[]): number {
  const own = countNgrams(tokens(answer), n);
  return best(references, (reference) => {
    const other = countNgrams(reference, n);
    const both = overlap(other, own);
    return fMeasure(both / Math.max(total(own), 1), both / Math.max(total(other), 1));
  });
}

/** Length of the longest common subsequence. */
function commonLength(a: readonly string[], b: readonly string[]): number {
  let row = new Uint32Array(b.length + 1);
  for (const word of a) {
    const next = new Uint32Array(b.length + 1);
    for (let j = 1; j <= b.length; j += 1)
      next[j] =
        word === b[j - 1] ? (row[j - 1] as number) + 1 : Math.max(row[j] as number, next[j - 1] as number);
    row = next;
  }
  return row[b.length] as number;
}

/** 0 to 1. */
export function rougeL(answer: string, references: readonly string[]): number {
  const own = tokens(answer);
  return best(references, (reference) => {
    if (own.length === 0 || reference.length === 0) return 0;
    const common = commonLength(reference, own);
    return fMeasure(common / own.length, common / reference.length);
  });
}
