/**
 * The seam of prompt and answer. A conversation is cut into segments so that every prompt is, text and ids, exactly what
 * the model is given when it is asked for that answer, and only the answers, each up to and with its end-of-turn token,
 * count in the loss.
 */
import { CollieError } from '../../shared/errors.ts';
import { marked } from './marks.ts';
import { type Chat, chatOf, type Message } from './template.ts';
import type { ModelTokenizer } from './tokenizer.ts';
import type { ConversationWarning } from './warnings.ts';

/** A piece of the rendered conversation whose tokens all count in the loss, or none. */
export interface Segment {
  text: string;
  trained: boolean;
  /** What its tokens count in the loss; left out: 1. */
  weight?: number;
}

export interface Rendered {
  segments: Segment[];
  warnings: ConversationWarning[];
}

/** Segments up to the end of the last answer, their text, and what the template writes behind it. */
export interface Chain {
  segments: Segment[];
  written: string;
  tail: string;
}

/** Up to so many answers, every prompt is rendered and compared; the work grows with the square of their number. */
const COMPARED = 16;

export const isAnswer = (message: Message) => message.role === 'assistant';
const isTrained = (message: Message | undefined) => message?.trained !== false;
/** The segment of an answer. */
export const answerSegment = (text: string, message: Message | undefined): Segment => ({
  text,
  trained: isTrained(message),
  ...(message?.weight === undefined ? {} : { weight: message.weight }),
});

/** Text of turn `k` with everything before it: as a prompt for it, and with it. */
export function turn({ messages, tools }: Chat, k: number, tokenizer: ModelTokenizer) {
  const part = (end: number): Chat => ({ messages: messages.slice(0, end), tools: tools ?? null });
  return {
    prompt: tokenizer.template.render(part(k), true),
    full: tokenizer.template.render(part(k + 1), false),
  };
}

/** Cuts the text of an answer behind its end-of-turn token; what the template writes after it is not the model's. */
export function cutAnswer(
  text: string,
  tokenizer: ModelTokenizer,
  warnings: Set<ConversationWarning>,
): [answer: string, rest: string] {
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
 * Segments of all answers in a chat, or null when the template rewrites what it wrote before. What it writes behind
 * an answer may differ with what follows (some end a finished conversation with another token), so only the text up to
 * the end of an answer has to come back.
 */
function compared(chat: Chat, tokenizer: ModelTokenizer, warnings: Set<ConversationWarning>): Chain | null {
  const segments: Segment[] = [];
  let written = '';
  let tail = '';
  for (const [k, message] of chat.messages.entries()) {
    if (!isAnswer(message)) continue;
    const { prompt, full } = turn(chat, k, tokenizer);
    if (!prompt.startsWith(written) || !full.startsWith(prompt)) return null;
    const [answer, rest] = cutAnswer(full.slice(prompt.length), tokenizer, warnings);
    segments.push({ text: prompt.slice(written.length), trained: false });
    segments.push(answerSegment(answer, message));
    tail = rest;
    written = full.slice(0, full.length - rest.length);
  }
  return { segments, written, tail };
}

/** As `compared`; a long chat is rendered once and compared at a few turns of each kind. */
export function chain(
  chat: Chat,
  tokenizer: ModelTokenizer,
  warnings: Set<ConversationWarning>,
): Chain | null {
  const answers = chat.messages.filter(isAnswer).length;
  const found = answers > COMPARED ? marked(chat, tokenizer, warnings, 'prompts') : null;
  return found ?? compared(chat, tokenizer, warnings);
}

const withTail = (segments: Segment[], tail: string): Segment[] =>
  tail === '' ? segments : [...segments, { text: tail, trained: false }];

function cannotRender(tokenizer: ModelTokenizer, chat: Chat, k: number): CollieError {
  const { prompt, full } = turn(chat, k, tokenizer);
  let same = 0;
  while (same < prompt.length && prompt[same] === full[same]) same += 1;
  return new CollieError(
    'model.unsupported_feature',
    `The chat template writes a prompt that is not the beginning of the same conversation with its answer, and the answer cannot be found in what it writes. They part after ${same} characters (prompt: ${JSON.stringify(prompt.slice(same, same + 40))}, with the answer: ${JSON.stringify(full.slice(same, same + 40))}).`,
    'Use a chat template that writes each message within a loop over `messages`, or whose generation prompt is the beginning of an answer.',
    { promptTail: prompt.slice(same, same + 200), fullTail: full.slice(same, same + 200) },
  );
}

/** Whether the model would read a part of a message as a special token. */
const hasSpecial = (messages: readonly Message[], tokenizer: ModelTokenizer): boolean =>
  messages.some(({ content }) => content !== null && (tokenizer.specialPattern?.test(content) ?? false));

/** Warnings about what the template does not read. Throws dataset.bad_row for an answer that is nothing but unread calls. */
function checkFields(
  { messages, tools }: Chat,
  tokenizer: ModelTokenizer,
  warnings: Set<ConversationWarning>,
): void {
  const { template } = tokenizer;
  for (const { role, content, fields = {} } of messages) {
    for (const [name, value] of Object.entries(fields)) {
      if (value === null || value === undefined || template.reads(name)) continue;
      if (name === 'tool_calls' && role === 'assistant' && (content ?? '').trim() === '')
        throw new CollieError(
          'dataset.bad_row',
          "An answer is only tool calls, and the model's chat template does not write tool calls.",
          'Choose a model whose chat template reads `tool_calls`, or leave such rows out (dataset.unusable_rows).',
          { reason: 'tool_calls' },
        );
      warnings.add(`unused:${name}`);
    }
  }
  if (tools && tools.length > 0 && !template.reads('tools')) warnings.add('unused:tools');
}

/** Warnings about messages that the template leaves out of the conversation's text. */
function checkWritten(
  { messages }: Chat,
  segments: readonly Segment[],
  warnings: Set<ConversationWarning>,
): void {
  const text = segments.map((segment) => segment.text).join('');
  let from = 0;
  for (const { role, content } of messages) {
    const wanted = content?.trim() ?? '';
    if (wanted === '' || (role !== 'system' && role !== 'user')) continue;
    const at = text.indexOf(wanted, from);
    if (at >= 0) from = at;
    else if (!text.includes(wanted)) warnings.add(`unwritten:${role}`);
  }
}

/**
 * Renders a conversation into segments. Throws dataset.bad_row when there is no answer or the template refuses it,
 * model.unsupported_feature when an answer cannot be found in what the template writes.
 */
export function renderConversation(given: Chat | readonly Message[], tokenizer: ModelTokenizer): Rendered {
  const { messages, tools = null } = chatOf(given);
  const last = messages.findLastIndex(isAnswer);
  if (last < 0) {
    throw new CollieError(
      'dataset.bad_row',
      `The conversation has no answer: its roles are ${messages.map(({ role }) => role).join(', ') || 'none'}.`,
      'Every conversation needs at least one message of the assistant.',
      { reason: 'no_answer' },
    );
  }
  const warnings = new Set<ConversationWarning>();
  if (last < messages.length - 1) warnings.add('after_last_answer');
  const used: Chat = { messages: messages.slice(0, last + 1), tools };
  checkFields(used, tokenizer, warnings);
  if (hasSpecial(used.messages, tokenizer)) warnings.add('special_in_content');
  const segments = seams(used, last, tokenizer, warnings);
  checkWritten(used, segments, warnings);
  return { segments, warnings: [...warnings] };
}

function seams(
  chat: Chat,
  last: number,
  tokenizer: ModelTokenizer,
  warnings: Set<ConversationWarning>,
): Segment[] {
  const whole = chain(chat, tokenizer, warnings);
  if (whole !== null) return withTail(whole.segments, whole.tail);

  const { prompt, full } = turn(chat, last, tokenizer);
  if (full.startsWith(prompt)) {
    warnings.add('history_rewritten');
    const [answer, rest] = cutAnswer(full.slice(prompt.length), tokenizer, warnings);
    return withTail([{ text: prompt, trained: false }, answerSegment(answer, chat.messages[last])], rest);
  }
  const found = marked(chat, tokenizer, warnings, 'text');
  if (found === null) throw cannotRender(tokenizer, chat, last);
  warnings.add('prompt_differs');
  return withTail(found.segments, found.tail);
}
