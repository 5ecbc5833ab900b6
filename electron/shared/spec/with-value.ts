/** Changing a (partial) spec by dotted path, never in place. */

type Json = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The spec with `value` at `path`; undefined removes the key. */
export function withValue(spec: Json, path: string, value: unknown): Json {
  const [head = '', ...rest] = path.split('.');
  const copy: Record<string, unknown> = { ...spec };
  if (rest.length > 0) {
    const inner = copy[head];
    copy[head] = withValue(isRecord(inner) ? inner : {}, rest.join('.'), value);
  } else if (value === undefined) delete copy[head];
  else copy[head] = value;
  return copy;
}
