/**
 * A model's tokenizer on a thread of its own. Its files are anybody's: a chat template that never ends, or a vocabulary that takes
 * seconds to read, must stop neither the host nor the supervisor of a run.
 */
import { ApartThread, moduleBeside } from '../host/apart.ts';
import type { ChatTokenizer, Made, TokenizerFacts } from './chat-tokenizer.ts';
import { tokenizerStamp } from './files.ts';
import type { Chat } from './template.ts';

/** Far above what sound files take, on a machine that trains beside it. */
const SECONDS = { read: 120, least: 30, messagesPerSecond: 500, charactersPerSecond: 100_000 };
const MEMORY_MB = 1024;

/** Beyond the least. */
const secondsFor = (chats: readonly Chat[]): number => {
  let messages = 0;
  let characters = 0;
  for (const chat of chats) {
    messages += chat.messages.length;
    for (const { content } of chat.messages) characters += content?.length ?? 0;
  }
  return Math.ceil(messages / SECONDS.messagesPerSecond + characters / SECONDS.charactersPerSecond) - 1;
};

export class ApartTokenizer implements ChatTokenizer {
  readonly hash: string;
  readonly vocabularyHash: string;
  readonly templateHash: string;
  readonly vocabSize: number;
  readonly bos: TokenizerFacts['bos'];
  readonly eos: TokenizerFacts['eos'];
  readonly pad: TokenizerFacts['pad'];
  readonly endOfTurn: TokenizerFacts['endOfTurn'];
  readonly baseVocabSize: number;
  readonly addedTokens: TokenizerFacts['addedTokens'];
  readonly eosIds: readonly number[];
  readonly firstWithoutRow: number | null;
  readonly stopIds: number[];
  readonly #thread: ApartThread;
  readonly #folder: string;
  readonly #least: number;

  private constructor(thread: ApartThread, folder: string, least: number, facts: TokenizerFacts) {
    this.#thread = thread;
    this.#folder = folder;
    this.#least = least;
    this.hash = facts.hash;
    this.vocabularyHash = facts.vocabularyHash;
    this.templateHash = facts.templateHash;
    this.vocabSize = facts.vocabSize;
    this.bos = facts.bos;
    this.eos = facts.eos;
    this.pad = facts.pad;
    this.endOfTurn = facts.endOfTurn;
    this.baseVocabSize = facts.baseVocabSize;
    this.addedTokens = facts.addedTokens;
    this.eosIds = facts.eosIds;
    this.firstWithoutRow = facts.firstWithoutRow;
    this.stopIds = facts.stopIds;
  }

  /** @param least seconds for any call but reading the files. Throws model.no_tokenizer when there is none or it is damaged. */
  static async open(folder: string, least: number = SECONDS.least): Promise<ApartTokenizer> {
    const thread = new ApartThread(moduleBeside(import.meta.url, 'thread'), MEMORY_MB);
    try {
      const limits = { seconds: SECONDS.read, what: `The tokenizer of ${folder}` };
      return new ApartTokenizer(thread, folder, least, await thread.call('facts', [folder], limits));
    } catch (error) {
      await thread.close();
      throw error;
    }
  }

  #call<T>(name: string, args: readonly unknown[], what: string, more = 0): Promise<T> {
    return this.#thread.call<T>(name, [this.#folder, ...args], {
      seconds: this.#least + more,
      what: `${what} of ${this.#folder}`,
    });
  }

  conversations(chats: readonly Chat[]): Promise<Made[]> {
    if (chats.length === 0) return Promise.resolve([]);
    return this.#call('conversations', [chats], 'The chat template', secondsFor(chats));
  }

  prompt(chat: Chat): Promise<Uint32Array> {
    return this.#call('prompt', [chat], 'The chat template', secondsFor([chat]));
  }

  encode(text: string, special: 'none' | 'add' = 'none'): Promise<number[]> {
    return this.#call('encode', [text, special], 'The tokenizer');
  }

  decode(ids: ArrayLike<number>, special: 'keep' | 'skip' = 'skip'): Promise<string> {
    return this.#call('decode', [Array.from(ids), special], 'The tokenizer');
  }

  tokenTexts(ids: ArrayLike<number>): Promise<string[]> {
    return this.#call('tokenTexts', [Array.from(ids)], 'The tokenizer');
  }

  close(): Promise<void> {
    return this.#thread.close();
  }
}

const cache = new Map<string, { stamp: string; tokenizer: Promise<ApartTokenizer> }>();
const CACHED = 8;

/** One that was replaced may still have answers to give; its thread ends when it is idle. */
function keep(folder: string, stamp: string, tokenizer: Promise<ApartTokenizer>): void {
  cache.delete(folder);
  cache.set(folder, { stamp, tokenizer });
  if (cache.size > CACHED) cache.delete(cache.keys().next().value as string);
  tokenizer.catch(() => {
    if (cache.get(folder)?.tokenizer === tokenizer) cache.delete(folder);
  });
}

/**
 * The tokenizer of a model folder in Hugging Face layout. Cached until one of its files changes.
 * Throws model.no_tokenizer when there is none or it is damaged.
 */
export async function loadTokenizer(modelFolder: string): Promise<ChatTokenizer> {
  const stamp = await tokenizerStamp(modelFolder);
  const known = cache.get(modelFolder);
  if (known?.stamp === stamp) return known.tokenizer;
  const tokenizer = ApartTokenizer.open(modelFolder);
  keep(modelFolder, stamp, tokenizer);
  return tokenizer;
}
