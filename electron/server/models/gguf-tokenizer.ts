/** tokenizer.json, tokenizer_config.json, special_tokens_map.json and generation_config.json out of a GGUF vocabulary. */
import { CollieError } from '../../shared/errors.ts';
import { type GgufVocabulary, TokenType } from './gguf-vocabulary.ts';
import { knownPreTokenizers, preTokenizerFor } from './pre-tokenizers.ts';
import { sentencepieceMerges } from './sentencepiece-merges.ts';

interface AddedToken {
  id: number;
  content: string;
  single_word: false;
  lstrip: false;
  rstrip: false;
  normalized: false;
  special: boolean;
}

/** What differs between the two families of vocabularies. */
interface Parts {
  model: object;
  normalizer: object | null;
  preTokenizer: object | null;
  decoder: object;
  addBos: boolean;
}

/** Files of the Hugging Face layout by name. `contextLength`: tokens the model can see. Throws model.no_tokenizer. */
export function tokenizerFiles(vocabulary: GgufVocabulary, contextLength: number): Record<string, object> {
  const parts = vocabulary.model === 'gpt2' ? byteLevelParts(vocabulary) : sentencepieceParts(vocabulary);
  const added = addedTokens(vocabulary);
  return {
    'tokenizer.json': {
      version: '1.0',
      truncation: null,
      padding: null,
      added_tokens: added,
      normalizer: parts.normalizer,
      pre_tokenizer: parts.preTokenizer,
      post_processor: postProcessor(vocabulary, parts.addBos),
      decoder: parts.decoder,
      model: parts.model,
    },
    'tokenizer_config.json': tokenizerConfig(vocabulary, added, parts.addBos, contextLength),
    'special_tokens_map.json': namedTokens(vocabulary),
    'generation_config.json': generationConfig(vocabulary),
  };
}

function byteLevelParts(vocabulary: GgufVocabulary): Parts {
  if (vocabulary.pre === '')
    throw refuse(
      'This GGUF file does not say how its tokenizer splits text (tokenizer.ggml.pre is missing).',
      '',
    );
  const pre = preTokenizerFor(vocabulary.pre);
  if (!pre)
    throw refuse(
      `The tokenizer of this GGUF file splits text in a way that is not known: ${vocabulary.pre}.`,
      vocabulary.pre,
    );
  return {
    model: { ...bpe(vocabulary.tokens, vocabulary.merges), ignore_merges: pre.ignoreMerges },
    normalizer: null,
    preTokenizer: pre.json,
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    addBos: vocabulary.addBos ?? pre.addBos,
  };
}

/** Spaces are written as U+2581, bytes without a token as <0xNN>. */
function sentencepieceParts(vocabulary: GgufVocabulary): Parts {
  const { tokens, types, scores, unknownId } = vocabulary;
  const pieces = tokens
    .map((text, id) => ({ text, score: scores[id] as number, type: types[id] }))
    .filter(({ text, type }) => type === TokenType.normal && !text.includes(' '));
  const underscore = '\u2581';
  const toUnderscore = { type: 'Replace', pattern: { String: ' ' }, content: underscore };
  const prefixed = vocabulary.addSpacePrefix;
  const decoders: object[] = [
    { type: 'Replace', pattern: { String: underscore }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
  ];
  if (prefixed) decoders.push({ type: 'Strip', content: ' ', start: 1, stop: 0 });
  return {
    model: {
      ...bpe(tokens, sentencepieceMerges(pieces)),
      unk_token: unknownId === null ? null : tokens[unknownId],
      fuse_unk: true,
      byte_fallback: types.includes(TokenType.byte),
    },
    normalizer: prefixed
      ? { type: 'Sequence', normalizers: [{ type: 'Prepend', prepend: underscore }, toUnderscore] }
      : toUnderscore,
    preTokenizer: null,
    decoder: { type: 'Sequence', decoders },
    addBos: vocabulary.addBos ?? true,
  };
}

function bpe(tokens: readonly string[], merges: readonly string[]): object {
  const vocab = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    if (vocab.has(token))
      throw refuse(`Token ${JSON.stringify(token)} occurs twice in this GGUF file.`, token);
    vocab.set(token, id);
  }
  return {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: Object.fromEntries(vocab),
    merges,
  };
}

/** Tokens that are matched whole in the text: control tokens, and words the model's makers added. */
function addedTokens({ tokens, types }: GgufVocabulary): AddedToken[] {
  const added: AddedToken[] = [];
  for (const [id, content] of tokens.entries()) {
    const type = types[id];
    const special = type === TokenType.control || type === TokenType.unknown;
    if (!special && type !== TokenType.userDefined) continue;
    added.push({ id, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special });
  }
  return added;
}

/** Puts begin and end tokens around a text, where the model wants them. */
function postProcessor({ tokens, bosId, eosId, addEos }: GgufVocabulary, addBos: boolean): object | null {
  const bos = addBos && bosId !== null ? [bosId] : [];
  const eos = addEos && eosId !== null ? [eosId] : [];
  if (bos.length + eos.length === 0) return null;
  const template = (name: 'A' | 'B', type_id: 0 | 1) => [
    ...bos.map((id) => ({ SpecialToken: { id: tokens[id], type_id } })),
    { Sequence: { id: name, type_id } },
    ...eos.map((id) => ({ SpecialToken: { id: tokens[id], type_id } })),
  ];
  const special = [...bos, ...eos].map((id) => [
    tokens[id],
    { id: tokens[id], ids: [id], tokens: [tokens[id]] },
  ]);
  return {
    type: 'TemplateProcessing',
    single: template('A', 0),
    pair: [...template('A', 0), ...template('B', 1)],
    special_tokens: Object.fromEntries(special),
  };
}

function namedTokens({ tokens, bosId, eosId, unknownId, padId }: GgufVocabulary): Record<string, string> {
  const ids = { bos_token: bosId, eos_token: eosId, unk_token: unknownId, pad_token: padId };
  const present = Object.entries(ids).filter(([, id]) => id !== null);
  return Object.fromEntries(present.map(([name, id]) => [name, tokens[id as number] as string]));
}

function tokenizerConfig(
  vocabulary: GgufVocabulary,
  added: AddedToken[],
  addBos: boolean,
  contextLength: number,
): object {
  const decoder = added.map(({ id, ...token }) => [String(id), token]);
  return {
    ...(vocabulary.chatTemplate === null ? {} : { chat_template: vocabulary.chatTemplate }),
    ...namedTokens(vocabulary),
    add_bos_token: addBos && vocabulary.bosId !== null,
    add_eos_token: vocabulary.addEos && vocabulary.eosId !== null,
    add_prefix_space: false,
    added_tokens_decoder: Object.fromEntries(decoder),
    clean_up_tokenization_spaces: false,
    model_max_length: contextLength,
    // The general class takes tokenizer.json as it is; those of model families rebuild it after their own taste.
    tokenizer_class: 'PreTrainedTokenizerFast',
  };
}

function generationConfig({ bosId, eosId, eotId, padId }: GgufVocabulary): object {
  const stops = [...new Set([eosId, eotId].filter((id) => id !== null))];
  return {
    ...(bosId === null ? {} : { bos_token_id: bosId }),
    ...(stops.length === 0 ? {} : { eos_token_id: stops.length === 1 ? stops[0] : stops }),
    ...(padId === null ? {} : { pad_token_id: padId }),
  };
}

function refuse(message: string, received: string): CollieError {
  return new CollieError(
    'model.no_tokenizer',
    message,
    'Choose another GGUF file of this model, or its Hugging Face folder.',
    { received, known: knownPreTokenizers },
  );
}
