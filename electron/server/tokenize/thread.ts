/** The thread of ApartTokenizer: the tokenizer of one model folder, and what is asked of it. */
import type { Made, TokenizerFacts } from './chat-tokenizer.ts';
import { factsOf } from './chat-tokenizer.ts';
import type { Chat } from './template.ts';
import { type ModelTokenizer, readTokenizer } from './tokenizer.ts';

let opened: Promise<ModelTokenizer> | null = null;

/** A thread has one folder for as long as it lives. */
function tokenizer(folder: string): Promise<ModelTokenizer> {
  opened ??= readTokenizer(folder);
  return opened;
}

export const facts = async (folder: string): Promise<TokenizerFacts> => factsOf(await tokenizer(folder));

export const conversations = async (folder: string, chats: readonly Chat[]): Promise<Made[]> =>
  (await tokenizer(folder)).conversations(chats);

export const prompt = async (folder: string, chat: Chat): Promise<Uint32Array> =>
  (await tokenizer(folder)).prompt(chat);

export const encode = async (folder: string, text: string, special: 'none' | 'add'): Promise<number[]> =>
  (await tokenizer(folder)).encode(text, special);

export const decode = async (
  folder: string,
  ids: readonly number[],
  special: 'keep' | 'skip',
): Promise<string> => (await tokenizer(folder)).decode(ids, special);

export const tokenTexts = async (folder: string, ids: readonly number[]): Promise<string[]> =>
  (await tokenizer(folder)).tokenTexts(ids);
