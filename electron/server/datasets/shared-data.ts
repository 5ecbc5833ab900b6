/** The data of a run of the library, out of tokens that other runs of the same data may have made already. */
import { mkdir } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { runFiles } from '../../shared/runs/run-folder.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { loadTokenizer } from '../tokenize/apart-tokenizer.ts';
import { FileHashes } from './file-hashes.ts';
import { writeOwnData } from './own-data.ts';
import { type DataMeta, type PrepareOptions, prepareTokens } from './prepare.ts';
import { TokenStores } from './token-stores.ts';
import { tokensKey } from './tokens-key.ts';

export interface PreparedData {
  meta: DataMeta;
  /** The run whose tokens are used; null: they were made now. */
  of: string | null;
  /** What was wrong with tokens that were there, and made again. */
  damage: string | null;
}

/** Fills the data folder of `<home>/runs/<id>`. Throws as prepareDataset. */
export async function prepareSharedData(
  runDir: string,
  spec: RunSpec,
  options: PrepareOptions = {},
): Promise<PreparedData> {
  const tokenizer = await loadTokenizer(spec.model);
  const hashes = new FileHashes();
  const key = await tokensKey(spec, tokenizer, hashes);
  const dataDir = join(runDir, runFiles.dataDir);
  const { meta, of, damage } = await new TokenStores(dirname(dirname(runDir))).use({
    ...{ key, dataDir, run: basename(runDir), signal: options.signal },
    make: async (folder) => {
      const made = join(folder, runFiles.dataDir);
      await mkdir(made);
      return prepareTokens({ spec, tokenizer, dataDir: made }, options);
    },
    stillThat: async () => (await tokensKey(spec, tokenizer, hashes)) === key,
  });
  const complete = { ...(meta as DataMeta), tokensOf: of };
  await writeOwnData({ spec, tokenizer, dataDir }, complete);
  return { meta: complete, of, damage };
}
