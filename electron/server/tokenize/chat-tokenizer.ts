/** What others need of a tokenizer. ModelTokenizer has it on the thread that asks, ApartTokenizer on a thread of its own. */
import type { ErrorInfo } from '../../shared/errors.ts';
import type { Conversation } from './conversation.ts';
import type { Chat } from './template.ts';

/** A special token: its id and the text that stands for it. */
export interface SpecialToken {
  id: number;
  text: string;
}

/** What a tokenizer says of itself. */
export interface TokenizerFacts {
  readonly hash: string;
  /** SHA-256 of tokenizer.json alone: how a text becomes tokens, whatever the template. */
  readonly vocabularyHash: string;
  /** SHA-256 of the chat template's text. */
  readonly templateHash: string;
  readonly vocabSize: number;
  readonly bos: SpecialToken | null;
  readonly eos: SpecialToken | null;
  readonly pad: SpecialToken | null;
  /** What the chat template writes after an answer; the end-of-sequence token when it writes none. */
  readonly endOfTurn: SpecialToken | null;
  /** Tokens of the vocabulary that was trained, without added ones: one more than the largest id. */
  readonly baseVocabSize: number;
  readonly addedTokens: readonly SpecialToken[];
  /** What generation_config.json and config.json say. */
  readonly eosIds: readonly number[];
  /** Ids from here on have no row in the embedding; null: all have one. */
  readonly firstWithoutRow: number | null;
  /** Ids that end a generation: end of turn, end of sequence, and what generation_config.json names. */
  readonly stopIds: number[];
}

/** A conversation that could not be made is the error of its row. */
export type Made = Conversation | { error: ErrorInfo };

export interface ChatTokenizer extends TokenizerFacts {
  /** Chats as ids and masks, one for one. Throws what is no fault of a row. */
  conversations(chats: readonly Chat[]): Promise<Made[]>;
  /** Ids of the prompt that asks for the next answer. */
  prompt(chat: Chat): Promise<Uint32Array>;
  /** Ids of one text. `special`: with the tokens the tokenizer itself puts around a text (often a BOS before it). */
  encode(text: string, special?: 'none' | 'add'): Promise<number[]>;
  /** Text of ids. `special`: whether special tokens are written or left out. */
  decode(ids: ArrayLike<number>, special?: 'keep' | 'skip'): Promise<string>;
  /** Text of every token on its own; bytes that are no whole character become U+FFFD. */
  tokenTexts(ids: ArrayLike<number>): Promise<string[]>;
}

export function factsOf(tokenizer: TokenizerFacts): TokenizerFacts {
  const { hash, vocabularyHash, templateHash, vocabSize, bos, eos, pad, endOfTurn } = tokenizer;
  const { baseVocabSize, addedTokens, eosIds, firstWithoutRow, stopIds } = tokenizer;
  return {
    hash,
    vocabularyHash,
    templateHash,
    vocabSize,
    bos,
    eos,
    pad,
    endOfTurn,
    baseVocabSize,
    addedTokens,
    eosIds,
    firstWithoutRow,
    stopIds,
  };
}
