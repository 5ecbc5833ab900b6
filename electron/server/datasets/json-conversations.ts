/**
 * JSON whose rows are lists: `[[{role, content}, ...], ...]`, and files with such a list on each line. A list of messages is one conversation,
 * whatever lies around it; read as a table, every message would be a row, and the conversations be mixed.
 */
import { type LooseObject, looseObjects } from './loose-json.ts';

/** Fields that messages have. An object with any other is a row of a table. */
const FIELDS =
  /^(role|from|content|value|name|weight|train|training|loss|tool_calls|tool_call_id|function_call|reasoning_content|reasoning|thinking)$/;

function isMessage(json: string): boolean {
  try {
    const { role, from, ...rest } = JSON.parse(json) as Record<string, unknown>;
    return typeof (role ?? from) === 'string' && Object.keys(rest).every((key) => FIELDS.test(key));
  } catch {
    return false;
  }
}

/** Of the beginning of a file. */
export function beginsWithMessage(head: string): boolean {
  try {
    for (const { json, depth } of looseObjects(head, { notFinite: 0, surrogates: 0 }))
      return depth > 0 && isMessage(json);
  } catch {
    // Cut off in its first object, or no JSON: whoever reads all of it says so.
  }
  return false;
}

/** Rows as JSON: objects as they are, and `{"messages": [...]}` of a list that begins with a message. Throws SyntaxError for other lists in lists. */
export function* conversations(
  objects: Iterable<LooseObject>,
  found: { conversations: number },
): Generator<string> {
  let messages: string[] = [];
  let current = 0;
  const whole = () => {
    found.conversations += 1;
    return `{"messages":[${messages.join(',')}]}`;
  };
  for (const { json, list, depth } of objects) {
    if (messages.length > 0 && list === current) {
      messages.push(json);
      continue;
    }
    if (messages.length > 0) yield whole();
    messages = [];
    current = list;
    if (depth > 0 && isMessage(json)) messages = [json];
    else if (depth > 1) throw new SyntaxError('a list stands where an object {...} is expected');
    else yield json;
  }
  if (messages.length > 0) yield whole();
}
