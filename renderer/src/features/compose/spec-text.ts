/** The draft as a JSON text, and back. Pure. */
import type { Draft } from '../../store/draft.ts';

export const specText = (draft: Draft): string => JSON.stringify(draft, null, 2);

/** The spec in a text, or why there is none. What the spec says is checked elsewhere. */
export function parseSpecText(text: string): { spec: Draft } | { problem: string } {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (thrown) {
    return { problem: thrown instanceof Error ? `${thrown.message}.` : 'The text is no JSON.' };
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    return { problem: 'A spec is a JSON object: { "model": …, "dataset": … }.' };
  return { spec: value as Draft };
}

/** A file name made of the run's name. */
export function specFileName(draft: Draft): string {
  const name = typeof draft.name === 'string' ? draft.name : '';
  const slug = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');
  return `${slug || 'run'}.json`;
}
