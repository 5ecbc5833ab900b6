/** JSON from outside: what is nested without end overflows the stack of whoever walks it, so depth has a limit where text comes in. */

/** Specs, API messages and run files are nested about ten deep, chat rows with tool schemas twenty. */
export const MAX_JSON_DEPTH = 64;

/** Whether a value has lists or objects more than `limit` deep. Walks without recursion. */
export function isDeeperThan(value: unknown, limit = MAX_JSON_DEPTH): boolean {
  let level: object[] = isNested(value) ? [value] : [];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth >= limit) return true;
    const next: object[] = [];
    for (const nested of level) for (const item of Object.values(nested)) if (isNested(item)) next.push(item);
    level = next;
  }
  return false;
}

const isNested = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** JSON.parse for text that others wrote. Throws SyntaxError, also for what is nested deeper than `limit`. */
export function parseJson(text: string, limit = MAX_JSON_DEPTH): unknown {
  const value: unknown = JSON.parse(text);
  if (isDeeperThan(value, limit)) throw new SyntaxError(`it is nested more than ${limit} deep`);
  return value;
}
