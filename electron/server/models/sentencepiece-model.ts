/** A sentencepiece `tokenizer.model`: pieces with scores and kinds, how text is normalized before. Field numbers of sentencepiece_model.proto. */
import { CollieError } from '../../shared/errors.ts';
import { fields, signed, WireError } from './protobuf.ts';
import { TokenType } from './token-type.ts';

export interface SentencepieceModel {
  kind: 'unigram' | 'bpe';
  tokens: string[];
  scores: number[];
  types: number[];
  byteFallback: boolean;
  /** null: the model has none. */
  unknownId: number | null;
  bosId: number | null;
  eosId: number | null;
  padId: number | null;
  /** A table of replacements of characters; empty: text stays as it is. */
  charsmap: Buffer;
  /** A space before every text. */
  dummyPrefix: boolean;
  /** Runs of spaces are one, and none is at either end. */
  removesSpaces: boolean;
}

/** A vocabulary of a million pieces is larger than any that is published. */
export const MOST_PIECES = 2_000_000;
export const MOST_PIECE_BYTES = 65_536;
const KINDS: Record<number, string> = { 1: 'unigram', 2: 'bpe', 3: 'word', 4: 'char' };

/** Whether a file begins as such a model does: with a piece. tiktoken files have the same name. */
export const looksLikeSentencepiece = (bytes: Buffer): boolean => bytes[0] === 0x0a;

/** `path` is for errors. Throws model.no_tokenizer, which says what is wrong or what such a model cannot have here. */
export function parseSentencepiece(bytes: Buffer, path: string): SentencepieceModel {
  try {
    const model = read(bytes);
    check(model);
    return model;
  } catch (thrown) {
    if (thrown instanceof Unsupported)
      throw refused(
        path,
        `${path} is a sentencepiece model of a kind that is not supported: ${thrown.message}.`,
        MAKE_ANOTHER,
      );
    if (!(thrown instanceof WireError)) throw thrown;
    throw refused(
      path,
      `${path} is no sentencepiece model, or is damaged: ${thrown.message}.`,
      'Download the file again.',
    );
  }
}

const refused = (path: string, message: string, hint: string) =>
  new CollieError('model.no_tokenizer', message, hint, { path });

const MAKE_ANOTHER =
  'Make a tokenizer.json with transformers (AutoTokenizer ... save_pretrained) and copy it into the folder.';

function read(bytes: Buffer): SentencepieceModel {
  const model: SentencepieceModel = {
    kind: 'unigram',
    tokens: [],
    scores: [],
    types: [],
    byteFallback: false,
    unknownId: 0,
    bosId: 1,
    eosId: 2,
    padId: null,
    charsmap: Buffer.alloc(0),
    dummyPrefix: true,
    removesSpaces: true,
  };
  for (const { number, value } of fields(bytes)) {
    if (!Buffer.isBuffer(value)) continue;
    if (number === 1) readPiece(value, model);
    else if (number === 2) readTrainer(value, model);
    else if (number === 3) readNormalizer(value, model);
  }
  return model;
}

function readPiece(bytes: Buffer, model: SentencepieceModel): void {
  if (model.tokens.length >= MOST_PIECES) throw new WireError(`it has more than ${MOST_PIECES} pieces`);
  let text = '';
  let score = 0;
  let type: number = TokenType.normal;
  for (const { number, value } of fields(bytes)) {
    if (number === 1 && Buffer.isBuffer(value)) {
      if (value.length > MOST_PIECE_BYTES)
        throw new WireError(
          `piece ${model.tokens.length} has ${value.length} bytes, more than ${MOST_PIECE_BYTES}`,
        );
      text = value.toString('utf8');
    } else if (number === 2 && Buffer.isBuffer(value) && value.length === 4) score = value.readFloatLE(0);
    else if (number === 3 && typeof value === 'number') type = value;
  }
  if (text === '') throw new WireError(`piece ${model.tokens.length} has no text`);
  if (!Number.isFinite(score))
    throw new WireError(`piece ${model.tokens.length} (${text}) has score ${score}`);
  model.tokens.push(text);
  model.scores.push(score);
  model.types.push(type);
}

function readTrainer(bytes: Buffer, model: SentencepieceModel): void {
  const id = (value: number) => (signed(value) < 0 ? null : value);
  for (const { number, value } of fields(bytes)) {
    if (typeof value !== 'number') continue;
    if (number === 3) {
      const kind = KINDS[value] ?? `of kind ${value}`;
      if (kind !== 'unigram' && kind !== 'bpe') throw new Unsupported(`its model is ${kind}`);
      model.kind = kind;
    } else if (number === 24 && value !== 0) throw new Unsupported('spaces stand at the end of its pieces');
    else if (number === 35) model.byteFallback = value !== 0;
    else if (number === 40) model.unknownId = id(value);
    else if (number === 41) model.bosId = id(value);
    else if (number === 42) model.eosId = id(value);
    else if (number === 43) model.padId = id(value);
  }
}

function readNormalizer(bytes: Buffer, model: SentencepieceModel): void {
  for (const { number, value } of fields(bytes)) {
    if (number === 2 && Buffer.isBuffer(value)) model.charsmap = value;
    else if (typeof value !== 'number') continue;
    else if (number === 3) model.dummyPrefix = value !== 0;
    else if (number === 4) model.removesSpaces = value !== 0;
    else if (number === 5 && value === 0) throw new Unsupported('it leaves spaces as they are');
  }
}

/** What the format allows and published decoders do not have. */
class Unsupported extends Error {}

function check(model: SentencepieceModel): void {
  const { tokens, types } = model;
  if (tokens.length === 0) throw new WireError('it has no pieces');
  const named = { unk_id: model.unknownId, bos_id: model.bosId, eos_id: model.eosId, pad_id: model.padId };
  for (const [name, id] of Object.entries(named))
    if (id !== null && id >= tokens.length)
      throw new WireError(`${name} is ${id}, but there are ${tokens.length} pieces`);
  if (model.kind === 'unigram' && types.includes(TokenType.unused))
    throw new Unsupported('it is unigram, with pieces that are marked unused');
  // Ids that training of the model was told, but which it did not make a token of, name some piece.
  for (const role of ['bosId', 'eosId', 'padId'] as const)
    if (types[model[role] ?? -1] !== TokenType.control) model[role] = null;
}
