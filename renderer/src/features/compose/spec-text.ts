/** The draft as a JSON text, and back. Pure. */
import { specFields } from '../../../../electron/shared/spec/spec-fields.ts';
import type { Draft } from '../../store/draft.ts';

export const specText = (draft: Draft): string => JSON.stringify(inSchemaOrder(draft, ''), null, 2);

const order = new Map<string, number>();
for (const field of specFields()) {
  const parts = field.path.split('.');
  parts.forEach((_, i) => {
    const path = parts.slice(0, i + 1).join('.');
    if (!order.has(path)) order.set(path, order.size);
  });
}

/** Keys in the order of the schema, unknown ones behind: the order of clicks does not show in the file. */
function inSchemaOrder(value: unknown, path: string): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const place = (key: string) =>
    order.get(path ? `${path}.${key}` : key) ?? (key === 'schemaVersion' ? -1 : 1e6);
  const entries = Object.entries(value).sort(([a], [b]) => place(a) - place(b));
  return Object.fromEntries(
    entries.map(([key, inner]) => [key, inSchemaOrder(inner, path ? `${path}.${key}` : key)]),
  );
}

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
