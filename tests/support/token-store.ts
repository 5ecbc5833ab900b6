/** Writes a token store as native/core/formats/token_store.h describes it, without any native code. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface TokenDocument {
  ids: number[];
  /** Per token: 1 where the loss counts it as a target. */
  mask: number[];
}

export function writeTokenStore(dataDir: string, split: 'train' | 'eval', documents: TokenDocument[]): void {
  mkdirSync(dataDir, { recursive: true });
  let end = 0n;
  const offsets = [0n, ...documents.map(({ ids }) => (end += BigInt(ids.length)))];
  writeFileSync(join(dataDir, `${split}.ids.u32`), Uint32Array.from(documents.flatMap(({ ids }) => ids)));
  writeFileSync(join(dataDir, `${split}.mask.u8`), Uint8Array.from(documents.flatMap(({ mask }) => mask)));
  writeFileSync(join(dataDir, `${split}.offsets.u64`), BigUint64Array.from(offsets));
}
