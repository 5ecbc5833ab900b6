/** From a .gguf file to a complete model folder. */
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import { writeText } from '../files/write.ts';
import { moduleBeside, runApart } from '../host/apart.ts';
import type { WorkContext } from '../host/parts.ts';
import { native } from '../native/addon.ts';

/** "SmolLM2-135M-Instruct.Q4_1.gguf" -> "SmolLM2-135M-Instruct": the type of the file is not the type of the import. */
export function nameOfGguf(fileName: string): string {
  const base = fileName.replace(/(-\d{5}-of-\d{5})?\.gguf$/i, '');
  return base.replace(/[.\-_](I?Q\d[A-Z0-9_]*|F16|F32|BF16|FP16)$/i, '') || base;
}

/** Writes config, weights (bf16) and tokenizer files into `folder`, which exists and is empty. The caller removes it after a failure. */
export async function convertGguf(path: string, folder: string, context: WorkContext): Promise<void> {
  context.progress(0, 'Reading the GGUF file');
  // The tokenizer first: a model without one is of no use. Apart, as a file may claim a vocabulary of any size.
  const module = moduleBeside(import.meta.url, 'gguf-files');
  const limits = { seconds: 120, memoryMb: 2048, what: `The tokenizer of ${path}`, signal: context.signal };
  const files = await runApart<Record<string, string>>(module, 'tokenizerTexts', [path], limits);
  context.progress(0.02, 'Converting weights');
  await native((addon) =>
    addon.ggufConvert(path, folder, (fraction) => {
      context.progress(0.02 + 0.96 * fraction, 'Converting weights');
      return !context.signal.aborted;
    }),
  );
  if (context.signal.aborted) throw new CollieError('job.cancelled', 'The import was cancelled.');
  for (const [name, text] of Object.entries(files))
    await writeText(join(folder, name), text, { flush: true });
  context.progress(0.99, 'Checking the folder');
}
