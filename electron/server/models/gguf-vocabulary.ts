/** The tokenizer part of a GGUF file's metadata, checked. */
import { CollieError } from '../../shared/errors.ts';
import { TokenType } from './token-type.ts';

export interface GgufVocabulary {
  model: 'gpt2' | 'llama';
  /** `tokenizer.ggml.pre`; empty when the file does not say. */
  pre: string;
  tokens: string[];
  types: number[];
  /** "left right"; empty for sentencepiece vocabularies, whose order is in `scores`. */
  merges: string[];
  scores: number[];
  bosId: number | null;
  eosId: number | null;
  /** Ends a turn of a conversation, where that is another token than `eosId`. */
  eotId: number | null;
  unknownId: number | null;
  padId: number | null;
  /** null: the file does not say. */
  addBos: boolean | null;
  addEos: boolean;
  addSpacePrefix: boolean;
  chatTemplate: string | null;
}

const refuse = (message: string, data: Record<string, unknown> = {}) =>
  new CollieError(
    'model.no_tokenizer',
    message,
    'Choose another GGUF file of this model, or its Hugging Face folder.',
    data,
  );

/** Reads and checks `tokenizer.*`. `embeddings`: rows of the embedding matrix. Throws model.no_tokenizer. */
export function readVocabulary(metadata: Record<string, unknown>, embeddings: number): GgufVocabulary {
  const get = (key: string) => metadata[`tokenizer.ggml.${key}`];
  const model = get('model');
  if (model !== 'gpt2' && model !== 'llama')
    throw refuse(
      model === undefined
        ? 'This GGUF file holds no tokenizer.'
        : `The tokenizer type ${String(model)} of this GGUF file is not supported.`,
      { model: model ?? null },
    );
  for (const key of ['precompiled_charsmap', 'remove_extra_whitespaces'])
    if (get(key))
      throw refuse(`The tokenizer of this GGUF file normalizes text (${key}), which is not supported.`);

  const tokens = list(get('tokens'), 'tokens', (item) => typeof item === 'string');
  if (!tokens || tokens.length === 0) throw refuse('This GGUF file lists no tokens.');
  if (tokens.length > embeddings)
    throw refuse(`This GGUF file has ${tokens.length} tokens, but embeddings for ${embeddings}.`);
  const isNumber = (item: unknown) => typeof item === 'number';
  const types = list(get('token_type'), 'token_type', isNumber) ?? tokens.map(() => TokenType.normal);
  const scores = list(get('scores'), 'scores', isNumber) ?? [];
  const merges = list(get('merges'), 'merges', (item) => typeof item === 'string') ?? [];
  if (types.length !== tokens.length)
    throw refuse(`${types.length} token types for ${tokens.length} tokens.`);
  if (model === 'llama' && scores.length !== tokens.length)
    throw refuse(`${scores.length} scores for ${tokens.length} tokens.`);
  if (model === 'gpt2' && merges.length === 0) throw refuse('This GGUF file lists no merges.');

  const id = (key: string) => {
    const value = get(key);
    if (value === undefined) return null;
    if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value < tokens.length)
      return value;
    throw refuse(`tokenizer.ggml.${key} is ${String(value)}, but there are ${tokens.length} tokens.`);
  };
  const flag = (key: string) => (typeof get(key) === 'boolean' ? (get(key) as boolean) : null);
  const template = metadata['tokenizer.chat_template'];
  return {
    model,
    pre: typeof get('pre') === 'string' ? (get('pre') as string) : '',
    tokens: tokens as string[],
    types: types as number[],
    merges: merges as string[],
    scores: scores as number[],
    bosId: id('bos_token_id'),
    eosId: id('eos_token_id'),
    eotId: id('eot_token_id'),
    unknownId: id('unknown_token_id'),
    padId: id('padding_token_id'),
    addBos: flag('add_bos_token'),
    addEos: flag('add_eos_token') ?? false,
    addSpacePrefix: flag('add_space_prefix') ?? true,
    chatTemplate: typeof template === 'string' && template !== '' ? template : null,
  };
}

function list(value: unknown, name: string, fits: (item: unknown) => boolean): unknown[] | null {
  if (value === undefined) return null;
  if (Array.isArray(value) && value.every(fits)) return value;
  throw refuse(`tokenizer.ggml.${name} of this GGUF file is not what it should be.`);
}
