/** Messages as data sets write them -> messages as chat templates of transformers take them. */
import { pythonLiteral } from '../tokenize/jinja/python-literal.ts';
import type { Message } from '../tokenize/template.ts';
import { badRow, describe } from './bad-row.ts';

/** Names that datasets use for the four roles. `call`: an answer that is a tool call, written as JSON. */
const ROLES: Readonly<Record<string, 'system' | 'user' | 'assistant' | 'tool' | 'call'>> = {
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
  ipython: 'tool',
  tool_response: 'tool',
  tool_result: 'tool',
  function_response: 'tool',
  function_call: 'call',
  tool_call: 'call',
};

const MEDIA = /image|audio|video/i;
/** Fields that say whether an answer is trained. */
const TRAINED = ['weight', 'train', 'training', 'loss'] as const;

type Raw = Record<string, unknown>;

const isObject = (value: unknown): value is Raw =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** `{from: [...], value: [...]}` -> `[{from, value}, ...]`: how datasets stores a sequence of objects in Parquet. */
function rowwise(value: unknown): unknown {
  if (!isObject(value)) return value;
  const columns = Object.entries(value).filter((one): one is [string, unknown[]] => Array.isArray(one[1]));
  const roles = columns.find(([name]) => name === 'role' || name === 'from')?.[1];
  if (roles === undefined || columns.some(([, list]) => list.length !== roles.length)) return value;
  return roles.map((_, k) => Object.fromEntries(columns.map(([name, list]) => [name, list[k]])));
}

/** JSON, or a Python literal, inside a text; the value itself when it is no such text. */
export function parsed(value: unknown): unknown {
  if (typeof value !== 'string') return rowwise(value);
  try {
    return JSON.parse(value);
  } catch {
    if (!/^\s*[[{(]/.test(value)) return value;
    const literal = pythonLiteral(value);
    return literal === undefined ? value : literal;
  }
}

/** true: a list whose first entry looks like a message. */
export function isMessageList(value: unknown): boolean {
  const list = parsed(value);
  if (!Array.isArray(list)) return false;
  const first: unknown = list[0];
  return isObject(first) && typeof (first.role ?? first.from) === 'string';
}

/** A tool call as OpenAI writes it: `{type: "function", function: {name, arguments}}`. null: it is none. */
function toolCall(value: unknown): Raw | null {
  if (!isObject(value)) return null;
  if (isObject(value.function)) return value;
  return typeof value.name === 'string' ? { type: 'function', function: value } : null;
}

function toolCalls(value: unknown): Raw[] | null {
  const given = parsed(value);
  const calls = (Array.isArray(given) ? given : [given]).map(toolCall);
  return calls.includes(null) || calls.length === 0 ? null : (calls as Raw[]);
}

/** Where a message is, and what is wrong with it. */
interface Place {
  index: number;
  column: string;
  where: string;
}

/** Text of a message: a string, or a list of parts as long as all are text. null: there is none. */
function contentText(content: unknown, { index, column, where }: Place): string | null {
  if (content === null || content === undefined || typeof content === 'string') return content ?? null;
  if (Array.isArray(content)) {
    const parts = content.map((part) => {
      if (typeof part === 'string') return part;
      if (!isObject(part)) return null;
      if (typeof part.text === 'string' && (part.type ?? 'text') === 'text') return part.text;
      const type = String(part.type ?? Object.keys(part).join(', '));
      if (!MEDIA.test(type)) return null;
      throw badRow(
        index,
        column,
        `${where} holds a part of type "${type}"; only texts are trained.`,
        'media',
      );
    });
    if (!parts.includes(null)) return parts.join('');
  }
  const types = Array.isArray(content) ? content.flatMap((part) => (isObject(part) ? [part.type] : [])) : [];
  const other = types.find((type) => typeof type === 'string' && type !== 'text');
  const held = other === undefined ? describe(content) : `a part of type "${other}"`;
  throw badRow(index, column, `${where} holds ${held}, a text is expected.`, 'content');
}

/** The largest weight of a message. */
const MOST = 1000;

/** What a message counts in the loss, by its weight or the like; undefined: nothing is said of it. */
function weightOf(raw: Raw, { index, column, where }: Place): number | undefined {
  for (const name of TRAINED) {
    const value = raw[name];
    if (value === undefined || value === null) continue;
    if (value === true || value === 1 || value === '1') return 1;
    if (value === false || value === 0 || value === '0') return 0;
    const real = name === 'weight' && typeof value === 'number' && value <= MOST && Math.fround(value) > 0;
    if (real) return value;
    const can = name === 'weight' ? `a number from 0 to ${MOST}` : '0 or 1';
    throw badRow(index, column, `the ${name} of ${where} is ${describe(value)}; it can be ${can}.`, 'weight');
  }
  return undefined;
}

function message(raw: Raw, place: Place): Message {
  const { index, column, where } = place;
  const { role, from, content, value, function_call: call, tool_calls: calls, ...rest } = raw;
  const name = role ?? from;
  const known = typeof name === 'string' ? ROLES[name.toLowerCase()] : undefined;
  if (known === undefined) {
    const all = Object.keys(ROLES).join(', ');
    throw badRow(
      index,
      column,
      `the role of ${where} is ${describe(name)}.`,
      'role',
      `Roles that are understood: ${all}.`,
    );
  }
  const spoken = `${where} (${known === 'call' ? name : known})`;
  const weight = weightOf(raw, { ...place, where: spoken });
  const fields: Raw = Object.fromEntries(
    Object.entries(rest).filter(
      ([key, one]) => one !== null && !(TRAINED as readonly string[]).includes(key),
    ),
  );
  let text = contentText(content ?? value, { ...place, where: spoken });
  if (known === 'call') {
    const made = toolCalls(text);
    if (made === null)
      throw badRow(index, column, `${spoken} is no JSON with a name: ${describe(text)}.`, 'tool_calls');
    fields.tool_calls = made;
    text = null;
  } else {
    const given = Array.isArray(calls) && calls.length === 0 ? null : (calls ?? call ?? null);
    if (given !== null) {
      const made = toolCalls(given);
      if (made === null)
        throw badRow(
          index,
          column,
          `the tool calls of ${spoken} are ${describe(given)}, not a list of calls with a name.`,
          'tool_calls',
        );
      fields.tool_calls = made;
    }
  }
  const isAnswer = known === 'assistant' || known === 'call';
  if (text === null && !isAnswer)
    throw badRow(index, column, `${spoken} holds null, a text is expected.`, 'content');
  return {
    role: known === 'call' ? 'assistant' : known,
    content: text,
    ...(Object.keys(fields).length > 0 ? { fields } : {}),
    ...(weight === undefined ? {} : { trained: weight > 0 }),
    ...(weight === undefined || weight === 0 || weight === 1 ? {} : { weight }),
  };
}

/** true: an answer with nothing in it: no text, no call, nothing thought. */
export const isBlank = ({ content, fields = {} }: Message): boolean =>
  (content ?? '').trim() === '' &&
  fields.tool_calls === undefined &&
  !Object.keys(fields).some((key) => /reason|think/.test(key));

/** Messages of a column that holds a list of them, or its JSON. Throws dataset.bad_row. */
export function chatMessages(value: unknown, column: string, index: number): Message[] {
  const list = parsed(value);
  if (list === null || list === undefined || (Array.isArray(list) && list.length === 0))
    throw badRow(index, column, `it holds ${describe(list)}, no messages.`, 'no_answer');
  if (!Array.isArray(list))
    throw badRow(
      index,
      column,
      `it holds ${describe(value)}, a list of messages is expected.`,
      'not_messages',
    );
  return list.map((item: unknown, k) => {
    const place = { index, column, where: `message ${k + 1}` };
    if (!isObject(item))
      throw badRow(
        index,
        column,
        `message ${k + 1} is ${describe(item)}, an object {role, content} is expected.`,
        'not_messages',
      );
    return message(item, place);
  });
}

/** Tools of a row as transformers takes them; null: none. Throws dataset.bad_row. */
export function toolsOf(value: unknown, column: string, index: number): unknown[] | null {
  const list = parsed(value);
  if (list === null || list === undefined || list === '') return null;
  const tools = (Array.isArray(list) ? list : [list]).map((tool) =>
    isObject(tool)
      ? isObject(tool.function)
        ? tool
        : typeof tool.name === 'string'
          ? { type: 'function', function: tool }
          : null
      : null,
  );
  if (!tools.includes(null)) return tools.length === 0 ? null : tools;
  throw badRow(
    index,
    column,
    `it holds ${describe(value)}, a list of tools (JSON schemas with a name) is expected.`,
    'tools',
  );
}
