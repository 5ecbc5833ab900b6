/** Scratch folders, small data files and a token store that keeps what it is given. */
import { mkdtempSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll } from 'vitest';
import type { StoreFactory } from '../../../electron/server/datasets/prepare.ts';
import { runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';

/** A folder that is removed after the tests of the file. */
export function scratchFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `collie-${name}-`));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

export async function writeText(path: string, content: string | Buffer): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, content);
  return path;
}

export const jsonl = (rows: readonly unknown[]): string =>
  rows.map((row) => `${JSON.stringify(row)}\n`).join('');

export interface StoredDocument {
  ids: number[];
  mask: number[];
  /** Left out: all alike. */
  weights?: number[];
}

/** The addon's token store, in memory: `stores` holds finished splits only. */
export class MemoryStores implements StoreFactory {
  readonly stores = new Map<string, StoredDocument[]>();

  tokenStoreWriter(_dataDir: string, split: string) {
    const documents: StoredDocument[] = [];
    return {
      append: (ids: Uint32Array, mask: Uint8Array, weights?: Float32Array | null) => {
        documents.push({ ids: [...ids], mask: [...mask], ...(weights ? { weights: [...weights] } : {}) });
      },
      finish: () => {
        this.stores.set(split, documents);
      },
    };
  }

  documents(split: string): StoredDocument[] {
    const found = this.stores.get(split);
    if (!found) throw new Error(`the split ${split} was not finished`);
    return found;
  }
}

/** A resolved spec over a data file, with some settings changed. */
export function specFor(train: string, changes: Record<string, unknown> = {}) {
  const { dataset, ...rest } = changes as { dataset?: object };
  return runSpecSchema.parse({
    model: '/models/none',
    dataset: { train, mapping: { kind: 'prompt_answer', prompt: 'question', answer: 'answer' }, ...dataset },
    method: { type: 'lora' },
    optimizer: { type: 'adamw' },
    ...rest,
  });
}
