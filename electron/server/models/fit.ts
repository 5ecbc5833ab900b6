/**
 * Whether the files of a model folder belong together: weights that the architecture has no place for, tokens that the embedding has
 * no row for, files that were never fetched. Found by import and by the check of a spec, before anything is trained.
 */
import { open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import { insteadOfFile } from '../files/regular.ts';
import { STAND_IN_BYTES, standIn } from '../files/stand-in.ts';
import type { ChatTokenizer } from '../tokenize/chat-tokenizer.ts';

const MOST_NAMED = 5;

const some = (names: readonly string[]) =>
  names.length > MOST_NAMED
    ? `${names.slice(0, MOST_NAMED).join(', ')} and ${names.length - MOST_NAMED} more`
    : names.join(', ');

/** Files that a model is read from; a web page under another name may belong there. */
const READ = /\.(json|safetensors|gguf|bin|model|tiktoken|txt|jinja)$/i;

/** Weights in other formats, which are not opened. */
const UNREAD = /\.(bin|pth|h5|msgpack|onnx)$/i;

/** Throws file.unreadable for the first file of the folder in whose place something else stands: a pointer, a pipe, a link to nothing. */
export async function refuseStandIns(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const path = join(folder, name);
    if (!READ.test(name)) continue;
    const other = await insteadOfFile(path);
    if (other !== null && !UNREAD.test(name))
      throw new CollieError(
        'file.unreadable',
        `${path} is ${other}.`,
        'Download the model again: a part of it was not fetched, or something else has its place.',
        { path },
      );
    if (other !== null) continue;
    const file = await open(path, 'r').catch(() => null);
    if (file === null) continue;
    const head = Buffer.alloc(STAND_IN_BYTES);
    await file.read(head, 0, STAND_IN_BYTES, 0).finally(() => file.close());
    const instead = standIn(head);
    if (instead !== null)
      throw new CollieError('file.unreadable', `${path} ${instead.what}`, instead.hint, { path });
  }
}

/** Tensors that change nothing: buffers that are computed from the configuration, and the head of tied embeddings. */
const COMPUTED =
  /(^|\.)(rotary_(pos_)?emb\.inv_freq|masked_bias|(attn|attention)\.bias|attn\.causal_mask|embeddings\.position_ids)$/;
const OF_A_LAYER = /(^|\.)(?:layers|h)\.(\d+)\./;

/**
 * Tensors without a place in the architecture. Those inside of its layers would have been computed with: without them it is another
 * model, so they are refused (model.unsupported_feature). The rest (another head, a vision tower, further layers) is named in the answer.
 */
export function unusedTensorNotes(
  folder: string,
  summary: {
    architecture: string;
    layers: number;
    tiedEmbeddings: boolean;
    unusedTensors: readonly string[];
  },
): string[] {
  const { architecture, layers, tiedEmbeddings, unusedTensors } = summary;
  const unused = unusedTensors.filter(
    (name) => !COMPUTED.test(name) && !(tiedEmbeddings && name === 'lm_head.weight'),
  );
  const inside = unused.filter(
    (name) => name.endsWith('.bias') || Number(OF_A_LAYER.exec(name)?.[2] ?? layers) < layers,
  );
  if (inside.length > 0)
    throw new CollieError(
      'model.unsupported_feature',
      `${folder} has tensors that ${architecture} does not have here: ${some(inside)}. Without them it would be another model.`,
      'Check that the weights belong to config.json; if they do, this kind of model cannot be trained yet.',
      { path: folder, tensors: inside.slice(0, 100) },
    );
  if (unused.length === 0) return [];
  return [
    `${unused.length} ${unused.length === 1 ? 'tensor is' : 'tensors are'} not used, as ${architecture} has no place for ${unused.length === 1 ? 'it' : 'them'}: ${some(unused)}.`,
  ];
}

/**
 * Tokens against rows of the embedding. Throws model.no_tokenizer when the vocabulary, or a token that ends answers or begins texts,
 * lies outside; added tokens that do are named in the answer, since texts without them are fine.
 */
export function tokenizerNotes(folder: string, tokenizer: ChatTokenizer, rows: number): string[] {
  const refused = (message: string, hint: string) =>
    new CollieError('model.no_tokenizer', message, hint, { path: folder, rows });
  if (tokenizer.baseVocabSize > rows)
    throw refused(
      `${folder}: the tokenizer has ${tokenizer.baseVocabSize} tokens, the embedding ${rows} rows: they are of different models.`,
      'Copy the tokenizer files of this model into the folder.',
    );
  const roles = { bos_token: tokenizer.bos, eos_token: tokenizer.eos, 'end of turn': tokenizer.endOfTurn };
  for (const [role, token] of Object.entries(roles))
    if (token && token.id >= rows)
      throw refused(
        `${folder}: the ${role} ${token.text} has id ${token.id}, outside of the ${rows} rows of the embedding.`,
        'The token was added to the tokenizer but not to the model: enlarge the embedding with transformers (resize_token_embeddings) and save the model, or use its own tokenizer.',
      );
  const notes: string[] = [];
  const ends = tokenizer.eosIds.filter((id) => id >= rows);
  if (ends.length > 0)
    notes.push(
      `eos_token_id of generation_config.json or config.json names ${ends.join(', ')}, outside of the ${rows} tokens of the vocabulary: no answer ends with it.`,
    );
  const added = tokenizer.addedTokens.filter(({ id }) => id >= rows);
  if (added.length > 0)
    notes.push(
      `The embedding has ${rows} rows and none for ${some(added.map(({ id, text }) => `${text} (${id})`))}: rows with ${added.length === 1 ? 'this token' : 'these tokens'} cannot be trained on.`,
    );
  return notes;
}
