/** A row of a dataset -> the messages of a conversation, by the mapping of its columns. */
import { CollieError } from '../../shared/errors.ts';
import type { Mapping } from '../../shared/spec/run-spec.ts';
import type { Message } from '../tokenize/template.ts';
import type { Row } from './rows.ts';

/** Names that datasets use for the four roles. */
const ROLES: Readonly<Record<string, string>> = {
  system: 'system',
  developer: 'system',
  user: 'user',
  human: 'user',
  prompter: 'user',
  assistant: 'assistant',
  gpt: 'assistant',
  bot: 'assistant',
  model: 'assistant',
  chatgpt: 'assistant',
  tool: 'tool',
  function: 'tool',
  observation: 'tool',
};

/** What a value is, for people: null, "a number (42)", "a list". */
function describe(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  return `a ${typeof value} (${text.length > 60 ? `${text.slice(0, 60)}…` : text})`;
}

/** @param index position of the row, from 0; messages count from 1. */
function badRow(index: number, column: string, what: string, hint: string): CollieError {
  return new CollieError('dataset.bad_row', `Row ${index + 1}, column "${column}": ${what}`, hint, {
    row: index + 1,
    column,
  });
}

const FIX = 'Fix or remove this row in the file and import it again, or choose another column.';

function text(row: Row, column: string, index: number): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw badRow(index, column, `it holds ${describe(value)}, a text is expected.`, FIX);
}

function optionalText(row: Row, column: string | null, index: number): string {
  if (column === null || row[column] === null || row[column] === undefined) return '';
  return text(row, column, index);
}

/** The list itself, or the one written as JSON inside a text. */
function listOf(value: unknown): unknown {
  if (typeof value !== 'string') return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

interface RawMessage {
  role?: unknown;
  from?: unknown;
  content?: unknown;
  value?: unknown;
}

/** true: a list whose first entry looks like a message. */
export function isMessageList(value: unknown): boolean {
  const list = listOf(value);
  if (!Array.isArray(list)) return false;
  const first = list[0] as RawMessage | null | undefined;
  return typeof (first?.role ?? first?.from) === 'string' && (first?.content ?? first?.value) !== undefined;
}

/** Text of a message: a string, or OpenAI's list of parts as long as all are text. */
function contentText(content: unknown): string | null {
  if (typeof content === 'string') return content;
  if (!Array.isArray(content)) return null;
  const parts = content.map((part: { type?: unknown; text?: unknown } | null) =>
    part?.type === 'text' && typeof part.text === 'string' ? part.text : null,
  );
  return parts.includes(null) ? null : parts.join('');
}

function chatMessages(row: Row, column: string, index: number): Message[] {
  const list = listOf(row[column]);
  if (!Array.isArray(list))
    throw badRow(index, column, `it holds ${describe(row[column])}, a list of messages is expected.`, FIX);
  return list.map((item: RawMessage | null, k) => {
    const where = `message ${k + 1}`;
    const name = item?.role ?? item?.from;
    const role = typeof name === 'string' ? ROLES[name.toLowerCase()] : undefined;
    if (role === undefined) {
      const known = Object.keys(ROLES).join(', ');
      throw badRow(
        index,
        column,
        `the role of ${where} is ${describe(name)}.`,
        `Roles that are understood: ${known}.`,
      );
    }
    const content = contentText(item?.content ?? item?.value);
    if (content === null) {
      const held = describe(item?.content ?? item?.value);
      throw badRow(index, column, `${where} (${role}) holds ${held}, a text is expected.`, FIX);
    }
    return { role, content };
  });
}

/** Columns a mapping reads. */
export function mappedColumns(mapping: Mapping): string[] {
  if (mapping.kind === 'chat') return [mapping.messages];
  const { prompt, answer, context, system } = mapping;
  return [prompt, answer, context, system].filter((column) => column !== null);
}

/**
 * Messages of one row. A context follows the prompt after an empty line; `systemPrompt` is put before a conversation
 * that has no system message of its own. Throws dataset.bad_row (row from 1, column, what it holds).
 */
export function rowMessages(row: Row, index: number, mapping: Mapping, systemPrompt: string): Message[] {
  let messages: Message[];
  if (mapping.kind === 'chat') messages = chatMessages(row, mapping.messages, index);
  else {
    const context = optionalText(row, mapping.context, index);
    const prompt = text(row, mapping.prompt, index);
    const system = optionalText(row, mapping.system, index);
    messages = [
      ...(system === '' ? [] : [{ role: 'system', content: system }]),
      { role: 'user', content: context === '' ? prompt : `${prompt}\n\n${context}` },
      { role: 'assistant', content: text(row, mapping.answer, index) },
    ];
  }
  if (systemPrompt === '' || messages[0]?.role === 'system') return messages;
  return [{ role: 'system', content: systemPrompt }, ...messages];
}
