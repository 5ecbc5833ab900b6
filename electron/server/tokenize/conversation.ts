/**
 * The seam of prompt and answer. A conversation is cut into segments so that every prompt is, text and ids, exactly what
 * the model is given when it is asked for that answer (`promptIds`), and only the answers, each up to and with its
 * end-of-turn token, count in the loss.
 */
import { CollieError } from '../../shared/errors.ts';
import type { Message } from './template.ts';
import type { ModelTokenizer } from './tokenizer.ts';

/** A piece of the rendered conversation whose tokens all count in the loss, or none. */
export interface Segment {
  text: string;
  trained: boolean;
}

export type ConversationWarning =
  | 'history_rewritten'
  | 'end_of_turn_added'
  | 'no_end_of_turn'
  | 'special_in_content'
  | 'after_last_answer';

export const warningTexts: Record<ConversationWarning, string> = {
  history_rewritten:
    'The chat template writes earlier turns differently once later ones follow, so only the last answer is trained.',
  end_of_turn_added:
    'The chat template writes nothing after an answer, so the end-of-sequence token was added there.',
  no_end_of_turn:
    'The model has no end-of-turn or end-of-sequence token: it cannot learn where an answer ends.',
  special_in_content: 'A message contains the text of a special token, which the model reads as that token.',
  after_last_answer: 'Messages after the last answer train nothing and are left out.',
};

export interface Rendered {
  segments: Segment[];
  warnings: ConversationWarning[];
}

export interface Conversation {
  /** Token ids, [T]. */
  ids: Uint32Array;
  /** 1 where the loss counts the token as a target, [T]. */
  mask: Uint8Array;
  /** The text the ids stand for. */
  rendered: string;
  warnings: ConversationWarning[];
  /** Tokens before truncation. */
  length: number;
  /** true: the last end-of-turn token fell off. */
  endCutOff: boolean;
}

const isAnswer = (message: Message) => message.role === 'assistant';

/** Text of turn `k` with everything before it: as a prompt for it, and with it. */
function turn(messages: readonly Message[], k: number, tokenizer: ModelTokenizer) {
  return {
    prompt: tokenizer.template.render(messages.slice(0, k), true),
    full: tokenizer.template.render(messages.slice(0, k + 1), false),
  };
}

/** Cuts the text of an answer behind its end-of-turn token; what the template writes after it is not the model's. */
function cutAnswer(
  text: string,
  tokenizer: ModelTokenizer,
  warnings: Set<ConversationWarning>,
): [string, string] {
  const end = tokenizer.endOfTurn;
  if (end === null) {
    warnings.add('no_end_of_turn');
    return [text, ''];
  }
  const at = text.lastIndexOf(end.text);
  if (tokenizer.templateEndsTurns && at >= 0) {
    const stop = at + end.text.length;
    return [text.slice(0, stop), text.slice(stop)];
  }
  warnings.add('end_of_turn_added');
  return [text + end.text, ''];
}

/**
 * Segments of all answers in `messages`, or null when the template rewrites what it wrote before. What it writes behind
 * an answer may differ with what follows (some end a finished conversation with another token), so only the text up to
 * the end of an answer has to come back.
 */
function chain(
  messages: readonly Message[],
  tokenizer: ModelTokenizer,
  warnings: Set<ConversationWarning>,
): { segments: Segment[]; written: string; tail: string } | null {
  const segments: Segment[] = [];
  let written = '';
  let tail = '';
  for (const [k, message] of messages.entries()) {
    if (!isAnswer(message)) continue;
    const { prompt, full } = turn(messages, k, tokenizer);
    if (!prompt.startsWith(written) || !full.startsWith(prompt)) return null;
    const [answer, rest] = cutAnswer(full.slice(prompt.length), tokenizer, warnings);
    segments.push({ text: prompt.slice(written.length), trained: false });
    segments.push({ text: answer, trained: true });
    tail = rest;
    written = full.slice(0, full.length - rest.length);
  }
  return { segments, written, tail };
}

const withTail = (segments: Segment[], tail: string): Segment[] =>
  tail === '' ? segments : [...segments, { text: tail, trained: false }];

function hasSpecial(messages: readonly Message[], tokenizer: ModelTokenizer): boolean {
  return messages.some(({ content }) =>
    tokenizer.specialTexts.some((text) => text !== '' && content.includes(text)),
  );
}

function cannotRender(tokenizer: ModelTokenizer, messages: readonly Message[], k: number): CollieError {
  const { prompt, full } = turn(messages, k, tokenizer);
  let same = 0;
  while (same < prompt.length && prompt[same] === full[same]) same += 1;
  return new CollieError(
    'model.unsupported_feature',
    `The chat template writes a prompt that is not the beginning of the same conversation with its answer; they part after ${same} characters (prompt: ${JSON.stringify(prompt.slice(same, same + 40))}, with the answer: ${JSON.stringify(full.slice(same, same + 40))}).`,
    'What is trained would not be what the model sees in use. Use a chat template whose generation prompt is the beginning of an answer.',
    { promptTail: prompt.slice(same, same + 200), fullTail: full.slice(same, same + 200) },
  );
}

/**
 * Renders a conversation into segments. Throws dataset.bad_row when there is no answer or the template refuses it,
 * model.unsupported_feature when the template's prompt is not the beginning of its answer.
 */
export function renderConversation(messages: readonly Message[], tokenizer: ModelTokenizer): Rendered {
  const last = messages.findLastIndex(isAnswer);
  if (last < 0) {
    throw new CollieError(
      'dataset.bad_row',
      `The conversation has no answer: its roles are ${messages.map(({ role }) => role).join(', ') || 'none'}.`,
      'Every conversation needs at least one message of the assistant.',
    );
  }
  const warnings = new Set<ConversationWarning>();
  if (last < messages.length - 1) warnings.add('after_last_answer');
  const used = messages.slice(0, last + 1);
  if (hasSpecial(used, tokenizer)) warnings.add('special_in_content');

  const whole = chain(used, tokenizer, warnings);
  if (whole !== null) return { segments: withTail(whole.segments, whole.tail), warnings: [...warnings] };

  const { prompt, full } = turn(used, last, tokenizer);
  if (!full.startsWith(prompt)) throw cannotRender(tokenizer, used, last);
  warnings.add('history_rewritten');
  const [answer, rest] = cutAnswer(full.slice(prompt.length), tokenizer, warnings);
  const segments: Segment[] = [
    { text: prompt, trained: false },
    { text: answer, trained: true },
  ];
  return { segments: withTail(segments, rest), warnings: [...warnings] };
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
  ids.set(leading);
  let at = leading.length;
  for (const [k, segmentIds] of encoded.entries()) {
    ids.set(segmentIds, at);
    if (rendered.segments[k]?.trained) mask.fill(1, at, at + segmentIds.length);
    at += segmentIds.length;
  }
  const text = rendered.segments.map((segment) => segment.text).join('');
  return { ids, mask, rendered: text, warnings: rendered.warnings, length, endCutOff: false };
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

/** Keeps the first `seqLen` tokens. */
export function truncateConversation(conversation: Conversation, seqLen: number): Conversation {
  const { ids, mask } = conversation;
  if (ids.length <= seqLen) return conversation;
  return {
    ...conversation,
    ids: ids.subarray(0, seqLen),
    mask: mask.subarray(0, seqLen),
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
  messages: readonly Message[],
  tokenizer: ModelTokenizer,
  options: { seqLen?: number } = {},
): Promise<Conversation> {
  const [conversation] = await encodeConversations([renderConversation(messages, tokenizer)], tokenizer);
  if (conversation === undefined) throw new Error('one conversation in, one out');
  return options.seqLen === undefined ? conversation : truncateConversation(conversation, options.seqLen);
}

/**
 * Ids of the prompt that asks for the next answer, cut at the same seams as in training: a chat that is trained on and
 * a chat that is held have the same ids. Throws request.invalid when the last message is the assistant's.
 */
export async function promptIds(
  messages: readonly Message[],
  tokenizer: ModelTokenizer,
): Promise<Uint32Array> {
  const lastMessage = messages.at(-1);
  if (lastMessage === undefined || isAnswer(lastMessage)) {
    throw new CollieError(
      'request.invalid',
      'A prompt must end with a message that asks for an answer.',
      'Add a message of the user at the end.',
    );
  }
  const prompt = tokenizer.template.render(messages, true);
  const history = chain(messages, tokenizer, new Set());
  const kept =
    history !== null && prompt.startsWith(history.written) ? history : { segments: [], written: '' };
  const texts = [...kept.segments.map(({ text }) => text), prompt.slice(kept.written.length)];
  const leading = await leadingIds(tokenizer);
  const segments = await tokenizer.encodeSegments(texts);
  return Uint32Array.from([...leading, ...segments.flat()]);
}
