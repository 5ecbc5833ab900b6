/** A row of a dataset -> a conversation, by the mapping of its columns. */
import type { Mapping } from '../../shared/spec/run-spec.ts';
import type { Chat, Message } from '../tokenize/template.ts';
import { badRow, describe, FIX } from './bad-row.ts';
import { chatMessages, isBlank, isMessageList, parsed, toolsOf } from './chat-messages.ts';
import type { Row } from './rows.ts';

/** Text of a value; numbers and booleans as they are written. null: it is none. */
function textOf(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : null;
}

function text(row: Row, column: string, index: number): string {
  const found = textOf(row[column]);
  if (found !== null) return found;
  throw badRow(index, column, `it holds ${describe(row[column])}, a text is expected.`, 'content');
}

function optionalText(row: Row, column: string | null, index: number): string {
  if (column === null || row[column] === null || row[column] === undefined) return '';
  return text(row, column, index);
}

/** What a prompt or answer column says: a list of messages (TRL), or a text of that role. */
function spoken(row: Row, column: string, role: string, index: number): Message[] {
  const value = row[column];
  if (
    Array.isArray(value) ||
    (typeof value === 'string' && /^\s*\[\s*\{/.test(value) && isMessageList(value))
  )
    return chatMessages(value, column, index);
  return [{ role, content: text(row, column, index) }];
}

/** Earlier turns of Alpaca kind: `[["question", "answer"], ...]`. */
function history(row: Row, column: string | null, index: number): Message[] {
  const list = column === null ? null : parsed(row[column]);
  if (column === null || list === null || list === undefined || list === '') return [];
  if (isMessageList(list)) return chatMessages(list, column, index);
  const turns = Array.isArray(list) ? list : [list];
  return turns.flatMap((pair: unknown) => {
    const [asked, answered] = Array.isArray(pair) && pair.length === 2 ? pair.map(textOf) : [null, null];
    if (asked === null || asked === undefined || answered === null || answered === undefined)
      throw badRow(
        index,
        column,
        `it holds ${describe(pair)}, pairs of prompt and answer are expected.`,
        'content',
      );
    return [
      { role: 'user', content: asked },
      { role: 'assistant', content: answered },
    ];
  });
}

/** Columns a mapping reads. */
export function mappedColumns(mapping: Mapping): string[] {
  const columns =
    mapping.kind === 'chat'
      ? [mapping.messages, mapping.system, mapping.tools]
      : [mapping.prompt, mapping.answer, mapping.context, mapping.system, mapping.history, mapping.tools];
  return columns.filter((column) => column !== null && column !== undefined);
}

function promptAndAnswer(
  row: Row,
  index: number,
  mapping: Extract<Mapping, { kind: 'prompt_answer' }>,
): Message[] {
  const { answer } = mapping;
  const value = row[answer];
  if (value === null || value === undefined || (typeof value === 'string' && value.trim() === ''))
    throw badRow(
      index,
      answer,
      `the answer is ${value ? 'blank' : describe(value || null)}.`,
      'blank_answer',
    );
  const context = optionalText(row, mapping.context, index);
  const asked = spoken(row, mapping.prompt, 'user', index);
  const answered = spoken(row, answer, 'assistant', index);
  const earlier = history(row, mapping.history, index);
  // Preference data have the prompt as a text and once more in the answers, which are whole conversations.
  const [only] = asked;
  const isWhole =
    typeof row[mapping.prompt] === 'string' &&
    context === '' &&
    earlier.length === 0 &&
    answered.some(({ role, content }) => role === 'user' && content?.trim() === only?.content?.trim());
  if (isWhole) return answered;
  const last = asked.at(-1);
  if (context !== '' && last)
    asked[asked.length - 1] = {
      ...last,
      content: last.content === '' ? context : `${last.content ?? ''}\n\n${context}`,
    };
  return [...earlier, ...asked, ...answered];
}

/** Throws dataset.bad_row when no trained answer of the row has anything in it, or one of them has not. */
function checkAnswers(messages: readonly Message[], column: string, index: number): void {
  const blank = messages.findIndex(
    (one) => one.role === 'assistant' && one.trained !== false && isBlank(one),
  );
  if (blank < 0) return;
  const { content } = messages[blank] as Message;
  throw badRow(
    index,
    column,
    `message ${blank + 1} (assistant) is ${content === null ? 'null' : 'blank'}: an empty answer teaches the model to say nothing.`,
    'blank_answer',
    FIX,
  );
}

/**
 * The conversation of one row. A context follows the prompt after an empty line; `systemPrompt` is put before a conversation
 * that has no system message of its own. Throws dataset.bad_row (row from 1, column, what it holds).
 */
export function rowChat(row: Row, index: number, mapping: Mapping, systemPrompt: string): Chat {
  const answers = mapping.kind === 'chat' ? mapping.messages : mapping.answer;
  const messages =
    mapping.kind === 'chat'
      ? chatMessages(row[mapping.messages], mapping.messages, index)
      : promptAndAnswer(row, index, mapping);
  checkAnswers(messages, answers, index);
  const tools = mapping.tools ? toolsOf(row[mapping.tools], mapping.tools, index) : null;
  const system = optionalText(row, mapping.system ?? null, index) || systemPrompt;
  if (system === '' || messages[0]?.role === 'system') return { messages, tools };
  return { messages: [{ role: 'system', content: system }, ...messages], tools };
}
