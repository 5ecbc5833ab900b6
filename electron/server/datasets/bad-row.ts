/** Rows that cannot be trained on: what they hold, said so that a person finds them. */
import { CollieError } from '../../shared/errors.ts';

export const FIX = 'Fix or remove this row in the file and import it again, or choose another column.';

/** Why a row is of no use; the rows of a reason are counted together. */
export type Reason =
  | 'blank_answer'
  | 'no_answer'
  | 'not_messages'
  | 'role'
  | 'content'
  | 'media'
  | 'weight'
  | 'tools'
  | 'tool_calls'
  | 'no_row'
  | 'template';

export const reasonTexts: Readonly<Record<Reason, string>> = {
  blank_answer: 'have a null or blank answer',
  no_answer: 'have no answer',
  not_messages: 'hold no list of messages',
  role: 'have a message of an unknown role',
  content: 'have a message or a column that is no text',
  media: 'hold images, audio or video, which are not trained',
  weight: 'have a weight that is no number from 0 to 1000',
  tools: 'have tools that are no list of JSON schemas',
  tool_calls: 'have tool calls that the chat template does not write',
  no_row: 'hold a token that the embedding of the model has no row for',
  template: "are refused by the model's chat template",
};

/** What a value is, for people: null, "a number (42)", "a list". */
export function describe(value: unknown): string {
  if (value === null || value === undefined) return 'null';
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  return `a ${typeof value} (${text.length > 60 ? `${text.slice(0, 60)}…` : text})`;
}

/** @param index position of the row, from 0; messages count from 1. */
export function badRow(index: number, column: string, what: string, reason: Reason, hint = FIX): CollieError {
  return new CollieError('dataset.bad_row', `Row ${index + 1}, column "${column}": ${what}`, hint, {
    row: index + 1,
    column,
    reason,
  });
}
