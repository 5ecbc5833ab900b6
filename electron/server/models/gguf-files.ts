/** The tokenizer files of a GGUF file, as texts; run apart (host/apart.ts), as arrays of millions of items take seconds. */
import { native } from '../native/addon.ts';
import { tokenizerFiles } from './gguf-tokenizer.ts';
import { readVocabulary } from './gguf-vocabulary.ts';

/** By name; none for a file without an embedding, which the conversion then refuses. Throws gguf.*, model.no_tokenizer. */
export function tokenizerTexts(path: string): Record<string, string> {
  const info = native((addon) => addon.ggufInfo(path));
  const embedding = info.tensors.find((tensor) => tensor.name === 'token_embd.weight');
  const contextLength = info.metadata[`${info.architecture}.context_length`];
  if (!embedding || typeof contextLength !== 'number') return {};
  const files = tokenizerFiles(readVocabulary(info.metadata, embedding.shape[0] ?? 0), contextLength);
  return Object.fromEntries(
    Object.entries(files).map(([name, content]) => [
      name,
      `${JSON.stringify(content, null, name === 'tokenizer.json' ? 0 : 2)}\n`,
    ]),
  );
}
