/** Logits that two programs computed, and the documents that they computed them for. */
import { readFileSync } from 'node:fs';
import { uniform } from './random.ts';
import type { TokenDocument } from './token-store.ts';

/** Of 8 to 47 tokens from 3 on and below `tokens`; the first four have no loss. */
export function randomDocuments(count: number, seed: number, tokens: number): TokenDocument[] {
  const next = uniform(seed);
  return Array.from({ length: count }, () => {
    const length = 8 + Math.floor(next() * 40);
    const ids = Array.from({ length }, () => 3 + Math.floor(next() * (tokens - 3)));
    return { ids, mask: ids.map((_, i) => (i < 4 ? 0 : 1)) };
  });
}

export function readLogits(path: string): Float32Array {
  const bytes = readFileSync(path);
  return new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
}

export interface Comparison {
  difference: number;
  /** Share of positions with the same most likely token. */
  sameChoice: number;
  largest: number;
}

/** Throws on NaN; fails when there are none or not as many. */
export function compareLogits(ours: Float32Array, theirs: Float32Array, vocabulary: number): Comparison {
  if (ours.length !== theirs.length || ours.length === 0)
    throw new Error(`${ours.length} logits of ours, ${theirs.length} of theirs`);
  let [difference, largest, same] = [0, 0, 0];
  for (let row = 0; row < ours.length; row += vocabulary) {
    let [best, otherBest] = [row, row];
    for (let i = row; i < row + vocabulary; i++) {
      const [a, b] = [ours[i] as number, theirs[i] as number];
      if (Number.isNaN(a) || Number.isNaN(b)) throw new Error(`NaN at ${i}`);
      difference = Math.max(difference, Math.abs(a - b));
      largest = Math.max(largest, Math.abs(b));
      if (a > (ours[best] as number)) best = i;
      if (b > (theirs[otherBest] as number)) otherBest = i;
    }
    if (best === otherBest) same++;
  }
  return { difference, sameChoice: same / (ours.length / vocabulary), largest };
}
