/** From a .gguf file to a complete model folder. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import type { WorkContext } from '../host/parts.ts';
import { native } from '../native/addon.ts';
import { tokenizerFiles } from './gguf-tokenizer.ts';
import { readVocabulary } from './gguf-vocabulary.ts';

/** "SmolLM2-135M-Instruct.Q4_1.gguf" -> "SmolLM2-135M-Instruct": the type of the file is not the type of the import. */
export function nameOfGguf(fileName: string): string {
  const base = fileName.replace(/\.gguf$/i, '');
  return base.replace(/[.\-_](I?Q\d[A-Z0-9_]*|F16|F32|BF16|FP16)$/i, '') || base;
}

/** Writes config, weights (bf16) and tokenizer files into `folder`, which exists and is empty. The caller removes it after a failure. */
export async function convertGguf(path: string, folder: string, context: WorkContext): Promise<void> {
  context.progress(0, 'Reading the GGUF file');
  const info = native((addon) => addon.ggufInfo(path));
  const embedding = info.tensors.find((tensor) => tensor.name === 'token_embd.weight');
  const contextLength = info.metadata[`${info.architecture}.context_length`];
  // The tokenizer first: it is quick, and a model without one is of no use.
  const files =
    embedding && typeof contextLength === 'number'
      ? tokenizerFiles(readVocabulary(info.metadata, embedding.shape[0] ?? 0), contextLength)
      : {};
  context.progress(0.02, 'Converting weights');
  await native((addon) =>
    addon.ggufConvert(path, folder, (fraction) => {
      context.progress(0.02 + 0.96 * fraction, 'Converting weights');
      return !context.signal.aborted;
    }),
  );
  if (context.signal.aborted) throw new CollieError('job.cancelled', 'The import was cancelled.');
  for (const [name, content] of Object.entries(files))
    await writeFile(
      join(folder, name),
      `${JSON.stringify(content, null, name === 'tokenizer.json' ? 0 : 2)}\n`,
      {
        flush: true,
      },
    );
  context.progress(0.99, 'Checking the folder');
}
