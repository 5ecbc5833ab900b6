/** The parts of a tokenizer.json, made from whatever a model brings instead: a GGUF vocabulary, a sentencepiece model, merges, ranks. */
import { sentencepieceMerges } from './sentencepiece-merges.ts';
import { TokenType } from './token-type.ts';

export interface AddedToken {
  id: number;
  content: string;
  single_word: boolean;
  lstrip: boolean;
  rstrip: boolean;
  normalized: boolean;
  special: boolean;
}

export const addedToken = (id: number, content: string, special: boolean): AddedToken => ({
  id,
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special,
});

/** What differs between kinds of vocabularies. */
export interface Parts {
  model: object;
  normalizer: object | null;
  preTokenizer: object | null;
  decoder: object;
}

export interface Around {
  before: readonly number[];
  after: readonly number[];
}

/** `tokens` by id; holes are ids without a token. */
export function tokenizerJson(
  parts: Parts,
  added: readonly AddedToken[],
  around: Around,
  tokens: readonly (string | undefined)[],
): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: parts.normalizer,
    pre_tokenizer: parts.preTokenizer,
    post_processor: postProcessor(around, tokens),
    decoder: parts.decoder,
    model: parts.model,
  };
}

/** A token occurs twice: which id it has cannot be told. */
export class TwiceError extends Error {
  readonly token: string;
  constructor(token: string) {
    super(`Token ${JSON.stringify(token)} occurs twice`);
    this.token = token;
  }
}

/** Throws TwiceError. */
export function bpe(tokens: readonly (string | undefined)[], merges: readonly string[]): object {
  const vocab = new Map<string, number>();
  for (const [id, token] of tokens.entries()) {
    if (token === undefined) continue;
    if (vocab.has(token)) throw new TwiceError(token);
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

export const byteLevelDecoder = {
  type: 'ByteLevel',
  add_prefix_space: true,
  trim_offsets: true,
  use_regex: true,
};

export interface SentencepiecePieces {
  kind: 'unigram' | 'bpe';
  /** By id; holes, and tokens behind the pieces, have neither score nor type. */
  tokens: readonly (string | undefined)[];
  scores: readonly number[];
  types: readonly number[];
  byteFallback: boolean;
  unknownId: number | null;
  charsmap: Buffer;
  /** A space before the text: before each part between added tokens, or before the first only. */
  prefix: 'always' | 'first' | 'never';
  removesSpaces: boolean;
}

const SPACE = '\u2581';

/** Spaces are written as U+2581, bytes without a token as <0xNN>. Throws TwiceError. */
export function sentencepieceParts(pieces: SentencepiecePieces): Parts {
  const decoders: object[] = [
    { type: 'Replace', pattern: { String: SPACE }, content: ' ' },
    { type: 'ByteFallback' },
    { type: 'Fuse' },
  ];
  if (pieces.prefix !== 'never') decoders.push({ type: 'Strip', content: ' ', start: 1, stop: 0 });
  return {
    model: pieces.kind === 'bpe' ? bpeModel(pieces) : unigramModel(pieces),
    normalizer: normalizer(pieces),
    preTokenizer:
      pieces.prefix === 'first'
        ? { type: 'Metaspace', replacement: SPACE, prepend_scheme: 'first', split: false }
        : null,
    decoder: { type: 'Sequence', decoders },
  };
}

function normalizer({ charsmap, prefix, removesSpaces }: SentencepiecePieces): object | null {
  const replace = (pattern: object, content: string) => ({ type: 'Replace', pattern, content });
  const steps: object[] = [];
  if (charsmap.length > 0)
    steps.push({ type: 'Precompiled', precompiled_charsmap: charsmap.toString('base64') });
  if (removesSpaces) steps.push(replace({ Regex: '\\A +| +\\z' }, ''), replace({ Regex: ' {2,}' }, ' '));
  if (prefix === 'always') steps.push({ type: 'Prepend', prepend: SPACE });
  if (prefix !== 'first') steps.push(replace({ String: ' ' }, SPACE));
  if (steps.length === 0) return null;
  return steps.length === 1 ? (steps[0] as object) : { type: 'Sequence', normalizers: steps };
}

function bpeModel({ tokens, types, scores, unknownId, byteFallback }: SentencepiecePieces): object {
  const pieces = tokens
    .map((text = '', id) => ({ text, score: scores[id] as number, type: types[id] }))
    .filter(({ text, type }) => type === TokenType.normal && !text.includes(' '));
  return {
    ...bpe(tokens, sentencepieceMerges(pieces)),
    unk_token: unknownId === null ? null : tokens[unknownId],
    fuse_unk: true,
    byte_fallback: byteFallback,
  };
}

function unigramModel({ tokens, scores, unknownId, byteFallback }: SentencepiecePieces): object {
  const seen = new Set<string>();
  for (const token of tokens) {
    if (token === undefined) continue;
    if (seen.has(token)) throw new TwiceError(token);
    seen.add(token);
  }
  const least = scores.reduce((low, score) => Math.min(low, score), 0);
  // Ids are places in this list, so a hole is filled with what no text has.
  const vocab = Array.from(tokens, (token, id) => [token ?? `\u0000${id}`, scores[id] ?? least]);
  return { type: 'Unigram', unk_id: unknownId, vocab, byte_fallback: byteFallback };
}

/** Tokens that are matched whole in the text: control tokens, and words the model's makers added. */
export function addedTokens(tokens: readonly string[], types: readonly number[]): AddedToken[] {
  const added: AddedToken[] = [];
  for (const [id, content] of tokens.entries()) {
    const type = types[id];
    const special = type === TokenType.control || type === TokenType.unknown;
    if (special || type === TokenType.userDefined) added.push(addedToken(id, content, special));
  }
  return added;
}

/** Puts tokens around a text, where the model wants them. */
function postProcessor({ before, after }: Around, tokens: readonly (string | undefined)[]): object | null {
  if (before.length + after.length === 0) return null;
  const special = (id: number, type_id: 0 | 1) => ({ SpecialToken: { id: tokens[id], type_id } });
  const template = (name: 'A' | 'B', type_id: 0 | 1) => [
    ...before.map((id) => special(id, type_id)),
    { Sequence: { id: name, type_id } },
    ...after.map((id) => special(id, type_id)),
  ];
  const used = [...before, ...after].map((id) => [
    tokens[id],
    { id: tokens[id], ids: [id], tokens: [tokens[id]] },
  ]);
  return {
    type: 'TemplateProcessing',
    single: template('A', 0),
    pair: [...template('A', 0), ...template('B', 1)],
    special_tokens: Object.fromEntries(used),
  };
}
