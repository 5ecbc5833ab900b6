/** tokenizer.json, tokenizer_config.json, special_tokens_map.json and generation_config.json out of a GGUF vocabulary. */
import { CollieError } from '../../shared/errors.ts';
import type { GgufVocabulary } from './gguf-vocabulary.ts';
import { knownPreTokenizers, preTokenizerFor } from './pre-tokenizers.ts';
import { TokenType } from './token-type.ts';
import {
  type AddedToken,
  addedTokens,
  bpe,
  byteLevelDecoder,
  type Parts,
  sentencepieceParts,
  TwiceError,
  tokenizerJson,
} from './tokenizer-json.ts';

/** Files of the Hugging Face layout by name. `contextLength`: tokens the model can see. Throws model.no_tokenizer. */
export function tokenizerFiles(vocabulary: GgufVocabulary, contextLength: number): Record<string, object> {
  const parts = partsOf(vocabulary);
  const { tokens, types, bosId, eosId, addEos } = vocabulary;
  const added = addedTokens(tokens, types);
  const around = {
    before: parts.addBos && bosId !== null ? [bosId] : [],
    after: addEos && eosId !== null ? [eosId] : [],
  };
  return {
    'tokenizer.json': tokenizerJson(parts, added, around, tokens),
    'tokenizer_config.json': tokenizerConfig(vocabulary, added, parts.addBos, contextLength),
    'special_tokens_map.json': namedTokens(vocabulary),
    'generation_config.json': generationConfig(vocabulary),
  };
}

function partsOf(vocabulary: GgufVocabulary): Parts & { addBos: boolean } {
  try {
    return vocabulary.model === 'gpt2' ? byteLevelParts(vocabulary) : scoredParts(vocabulary);
  } catch (thrown) {
    if (!(thrown instanceof TwiceError)) throw thrown;
    throw refuse(`${thrown.message} in this GGUF file.`, thrown.token);
  }
}

function byteLevelParts(vocabulary: GgufVocabulary): Parts & { addBos: boolean } {
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
    decoder: byteLevelDecoder,
    addBos: vocabulary.addBos ?? pre.addBos,
  };
}

function scoredParts(vocabulary: GgufVocabulary): Parts & { addBos: boolean } {
  const { tokens, scores, types, unknownId, addSpacePrefix, addBos } = vocabulary;
  const parts = sentencepieceParts({
    kind: 'bpe',
    tokens,
    scores,
    types,
    unknownId,
    byteFallback: types.includes(TokenType.byte),
    charsmap: Buffer.alloc(0),
    prefix: addSpacePrefix ? 'always' : 'never',
    removesSpaces: false,
  });
  return { ...parts, addBos: addBos ?? true };
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
