/** Rendered conversations as ids and mask, and the ids of a prompt. */
import { CollieError, type ErrorInfo, toErrorInfo } from '../../shared/errors.ts';
import type { Made } from './chat-tokenizer.ts';
import { type Chain, chain, isAnswer, type Rendered, renderConversation } from './segments.ts';
import { type Chat, chatOf, type Message } from './template.ts';
import type { ModelTokenizer } from './tokenizer.ts';
import type { ConversationWarning } from './warnings.ts';

export interface Conversation {
  /** Token ids, [T]. */
  ids: Uint32Array;
  /** 1 where the loss counts the token as a target, [T]. */
  mask: Uint8Array;
  /** What each counts in the loss, [T]; null: all alike. */
  weights: Float32Array | null;
  /** The text the ids stand for. */
  rendered: string;
  warnings: ConversationWarning[];
  /** Tokens before truncation. */
  length: number;
  /** true: the last end-of-turn token fell off. */
  endCutOff: boolean;
}

/** Ids the tokenizer itself puts before a text; only models without a chat template get them (a template writes its own). */
async function leadingIds(tokenizer: ModelTokenizer): Promise<number[]> {
  if (!tokenizer.template.plain) return [];
  const [bare, full] = await Promise.all([tokenizer.encode('a'), tokenizer.encode('a', 'add')]);
  const at = full.findIndex((_, k) => bare.every((id, j) => full[k + j] === id));
  return at > 0 ? full.slice(0, at) : [];
}

function assemble(
  rendered: Rendered,
  encoded: readonly number[][],
  leading: readonly number[],
): Conversation {
  const length = encoded.reduce((sum, ids) => sum + ids.length, leading.length);
  const ids = new Uint32Array(length);
  const mask = new Uint8Array(length);
  const weighted = rendered.segments.some(({ weight }) => weight !== undefined);
  const weights = weighted ? new Float32Array(length).fill(1) : null;
  ids.set(leading);
  let at = leading.length;
  for (const [k, segmentIds] of encoded.entries()) {
    ids.set(segmentIds, at);
    const segment = rendered.segments[k];
    if (segment?.trained) mask.fill(1, at, at + segmentIds.length);
    if (segment?.weight !== undefined) weights?.fill(segment.weight, at, at + segmentIds.length);
    at += segmentIds.length;
  }
  const text = rendered.segments.map((segment) => segment.text).join('');
  return { ids, mask, weights, rendered: text, warnings: rendered.warnings, length, endCutOff: false };
}

/** Ids and masks of rendered conversations, in one pass through the tokenizer. */
export async function encodeConversations(
  rendered: readonly Rendered[],
  tokenizer: ModelTokenizer,
): Promise<Conversation[]> {
  const leading = await leadingIds(tokenizer);
  if (!tokenizer.segmentsAreIndependent) {
    const result: Conversation[] = [];
    for (const one of rendered) {
      const ids = await tokenizer.encodeSegments(one.segments.map(({ text }) => text));
      result.push(assemble(one, ids, leading));
    }
    return result;
  }
  const encoded = await tokenizer.encodeBatch(
    rendered.flatMap(({ segments }) => segments.map(({ text }) => text)),
  );
  let at = 0;
  return rendered.map((one) => {
    const ids = encoded.slice(at, at + one.segments.length);
    at += one.segments.length;
    return assemble(one, ids, leading);
  });
}

/** Every chat as ids and mask; one that cannot be rendered is the error of its row. */
export async function conversationsOf(chats: readonly Chat[], tokenizer: ModelTokenizer): Promise<Made[]> {
  const rendered = chats.map((chat): Rendered | { error: ErrorInfo } => {
    try {
      return renderConversation(chat, tokenizer);
    } catch (error) {
      if (error instanceof CollieError && error.code === 'dataset.bad_row')
        return { error: toErrorInfo(error) };
      throw error;
    }
  });
  const usable = rendered.filter((one): one is Rendered => !('error' in one));
  const encoded = (await encodeConversations(usable, tokenizer)).values();
  return rendered.map((one) => ('error' in one ? one : (encoded.next().value as Conversation)));
}

/** Keeps the first `seqLen` tokens. */
export function truncateConversation(conversation: Conversation, seqLen: number): Conversation {
  const { ids, mask, weights } = conversation;
  if (ids.length <= seqLen) return conversation;
  return {
    ...conversation,
    ids: ids.subarray(0, seqLen),
    mask: mask.subarray(0, seqLen),
    weights: weights === null ? null : weights.subarray(0, seqLen),
    endCutOff: mask.lastIndexOf(1) >= seqLen,
  };
}

/** Tokens the loss counts. The first token of a document is never a target: nothing comes before it. */
export function trainedTokens(mask: Uint8Array): number {
  let count = 0;
  for (let k = 1; k < mask.length; k += 1) count += mask[k] as number;
  return count;
}

/**
 * One conversation as ids and mask.
 * @param options.seqLen keep at most this many tokens; left out: all.
 */
export async function tokenizeConversation(
  chat: Chat | readonly Message[],
  tokenizer: ModelTokenizer,
  options: { seqLen?: number } = {},
): Promise<Conversation> {
  const [conversation] = await encodeConversations([renderConversation(chat, tokenizer)], tokenizer);
  if (conversation === undefined) throw new Error('one conversation in, one out');
  return options.seqLen === undefined ? conversation : truncateConversation(conversation, options.seqLen);
}

/**
 * Ids of the prompt that asks for the next answer, cut at the same seams as in training: a chat that is trained on and
 * a chat that is held have the same ids. Throws request.invalid when the last message is the assistant's.
 */
export async function promptIds(
  given: Chat | readonly Message[],
  tokenizer: ModelTokenizer,
): Promise<Uint32Array> {
  const chat = chatOf(given);
  const lastMessage = chat.messages.at(-1);
  if (lastMessage === undefined || isAnswer(lastMessage)) {
    throw new CollieError(
      'request.invalid',
      'A prompt must end with a message that asks for an answer.',
      'Add a message of the user at the end.',
    );
  }
  const prompt = tokenizer.template.render(chat, true);
  const history = chain(chat, tokenizer, new Set());
  const kept: Pick<Chain, 'segments' | 'written'> =
    history !== null && prompt.startsWith(history.written) ? history : { segments: [], written: '' };
  const texts = [...kept.segments.map(({ text }) => text), prompt.slice(kept.written.length)];
  const leading = await leadingIds(tokenizer);
  const segments = await tokenizer.encodeSegments(texts);
  return Uint32Array.from([...leading, ...segments.flat()]);
}
