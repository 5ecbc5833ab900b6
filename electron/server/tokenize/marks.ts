/**
 * Answers found in one rendering of the whole conversation: the template's own loop says where each message is, and a rendering
 * with marks in the place of the answers says where its text begins there. Time grows with the length of the chat.
 */
import type { Span } from './jinja/template.ts';
import { answerSegment, type Chain, cutAnswer, isAnswer, type Segment, turn } from './segments.ts';
import type { Chat, Message } from './template.ts';
import type { ModelTokenizer } from './tokenizer.ts';
import type { ConversationWarning } from './warnings.ts';

/** Of each kind of turn, so many are compared with the prompt that asks for them. */
const PER_KIND = 2;
const MOST_COMPARED = 24;

const mark = (k: number) => `collie${k}mark`;

/** What a turn looks like to a template that treats turns differently: roles, fields, and answers it does not write as they are. */
function kindOf(messages: readonly Message[], from: number, k: number, text: string): string {
  const roles = messages.slice(from, k + 1).map(({ role, fields = {} }) => [role, ...Object.keys(fields)]);
  const content = messages[k]?.content?.trim() ?? '';
  return JSON.stringify([roles, text.includes(content), /<\/?\w*think|<\|channel/i.test(content)]);
}

/** The last answers and some of each kind. */
function toCompare(kinds: readonly string[]): Set<number> {
  const seen = new Map<string, number>();
  const chosen = new Set<number>([kinds.length - 1, kinds.length - 2]);
  for (const [place, kind] of kinds.entries()) {
    const count = seen.get(kind) ?? 0;
    seen.set(kind, count + 1);
    if (count < PER_KIND && chosen.size < MOST_COMPARED) chosen.add(place);
  }
  return chosen;
}

interface Place {
  /** Index of the message. */
  k: number;
  span: Span;
  /** Where the answer begins in the whole text. */
  start: number;
}

/** Where the answers begin: behind what the template writes before a mark in their place. null: not found. */
function markPlaces(
  chat: Chat,
  text: string,
  spans: readonly (Span | null)[],
  tokenizer: ModelTokenizer,
): Place[] | null {
  const probe = tokenizer.template.renderTraced({
    ...chat,
    messages: chat.messages.map((message, k) =>
      isAnswer(message) ? { ...message, content: mark(k) } : message,
    ),
  });
  const found: Place[] = [];
  for (const [k, message] of chat.messages.entries()) {
    if (!isAnswer(message)) continue;
    const span = spans[k];
    const probed = probe.spans[k];
    if (!span || !probed) return null;
    const written = probe.text.slice(probed.start, probed.end);
    const at = written.indexOf(mark(k));
    if (at < 0 || !text.startsWith(written.slice(0, at), span.start)) return null;
    found.push({ k, span, start: span.start + at });
  }
  return found;
}

/**
 * Where the answers begin: where the prompts that ask for them end. A few turns of each kind are compared with their prompts, the
 * others begin behind the same text. null: a prompt is not the beginning of the whole text.
 */
function promptPlaces(
  chat: Chat,
  text: string,
  spans: readonly (Span | null)[],
  tokenizer: ModelTokenizer,
): Place[] | null {
  const answers: { k: number; span: Span; kind: string }[] = [];
  for (const [k, message] of chat.messages.entries()) {
    if (!isAnswer(message)) continue;
    const span = spans[k];
    if (!span) return null;
    const before = (answers.at(-1)?.k ?? -1) + 1;
    answers.push({ k, span, kind: kindOf(chat.messages, before, k, text.slice(span.start, span.end)) });
  }
  const headers = new Map<string, string>();
  const chosen = toCompare(answers.map(({ kind }) => kind));
  for (const place of chosen) {
    const one = answers[place];
    if (one === undefined) continue;
    const { prompt, full } = turn(chat, one.k, tokenizer);
    const end = place === answers.length - 1 ? text.length : one.span.end;
    if (prompt.length < one.span.start || !text.startsWith(prompt) || !full.startsWith(prompt)) return null;
    if (!sameAnswer(full.slice(prompt.length), text.slice(prompt.length, end), tokenizer)) return null;
    const header = text.slice(one.span.start, prompt.length);
    if ((headers.get(one.kind) ?? header) !== header) return null;
    headers.set(one.kind, header);
  }
  const found: Place[] = [];
  for (const { k, span, kind } of answers) {
    const header = headers.get(kind);
    if (header === undefined || !text.startsWith(header, span.start)) return null;
    found.push({ k, span, start: span.start + header.length });
  }
  return found;
}

function sameAnswer(a: string, b: string, tokenizer: ModelTokenizer): boolean {
  const ignored = new Set<ConversationWarning>();
  return cutAnswer(a, tokenizer, ignored)[0] === cutAnswer(b, tokenizer, ignored)[0];
}

/**
 * Segments of all answers, or null when they cannot be found.
 * @param against prompts: an answer begins where the prompt that asks for it ends, null when that differs; text: it begins where
 * its own text does in the finished conversation, whatever the prompt is.
 */
export function marked(
  chat: Chat,
  tokenizer: ModelTokenizer,
  warnings: Set<ConversationWarning>,
  against: 'prompts' | 'text',
): Chain | null {
  const { text, spans } = tokenizer.template.renderTraced(chat);
  const find = against === 'prompts' ? promptPlaces : markPlaces;
  const found = find(chat, text, spans, tokenizer);
  if (found === null) return null;
  const segments: Segment[] = [];
  let at = 0;
  let tail = '';
  for (const [place, { k, span, start }] of found.entries()) {
    // What follows the loop belongs to the last answer: some templates end the conversation there.
    const end = place === found.length - 1 ? text.length : span.end;
    const [answer, rest] = cutAnswer(text.slice(start, end), tokenizer, warnings);
    segments.push({ text: text.slice(at, start), trained: false });
    segments.push(answerSegment(answer, chat.messages[k]));
    at = end - rest.length;
    tail = rest;
  }
  return { segments, written: text.slice(0, at), tail };
}
