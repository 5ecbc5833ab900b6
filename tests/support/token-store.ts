/** Writes a token store as native/core/formats/token_store.h describes it, without any native code. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { uniform } from './random.ts';

export interface TokenDocument {
  ids: number[];
  /** Per token: 1 where the loss counts it as a target. */
  mask: number[];
}

export function writeTokenStore(dataDir: string, split: string, documents: TokenDocument[]): void {
  mkdirSync(dataDir, { recursive: true });
  let end = 0n;
  const offsets = [0n, ...documents.map(({ ids }) => (end += BigInt(ids.length)))];
  writeFileSync(join(dataDir, `${split}.ids.u32`), Uint32Array.from(documents.flatMap(({ ids }) => ids)));
  writeFileSync(join(dataDir, `${split}.mask.u8`), Uint8Array.from(documents.flatMap(({ mask }) => mask)));
  writeFileSync(join(dataDir, `${split}.offsets.u64`), BigUint64Array.from(offsets));
}

/** Documents with a pattern to learn: each token is followed by the next number, from a random start. */
export function countingDocuments(count: number, seed: number): TokenDocument[] {
  const next = uniform(seed);
  return Array.from({ length: count }, () => {
    const length = 6 + Math.floor(next() * 24);
    const first = 3 + Math.floor(next() * 400);
    const ids = Array.from({ length }, (_, i) => first + i);
    return { ids, mask: ids.map((_, i) => (i < 3 ? 0 : 1)) };
  });
}
