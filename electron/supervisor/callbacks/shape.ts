/** What the default export of a callback's file has to be, and how what it throws is told. */
import { HANDLER_LIMIT, type HandlerName, handlerNames } from '../../server/callbacks/messages.ts';
import type { Callback } from '../../shared/runs/callback-types.ts';

const KEYS: readonly string[] = [...handlerNames, 'limitSeconds'];

/** Throws TypeError with what is wrong. */
export function checkCallback(exported: unknown): Callback {
  if (exported === undefined)
    throw new TypeError('it has no default export; write `export default { onStep(event, run) { ... } }`');
  if (typeof exported !== 'object' || exported === null || Array.isArray(exported))
    throw new TypeError(
      `its default export is ${kindOf(exported)}, not an object with handlers (${handlerNames.join(', ')})`,
    );
  for (const [key, value] of Object.entries(exported)) {
    if (!KEYS.includes(key)) throw new TypeError(`there is no handler ${key}; there are ${KEYS.join(', ')}`);
    if (key !== 'limitSeconds' && value !== undefined && typeof value !== 'function')
      throw new TypeError(`${key} is ${kindOf(value)}, not a function`);
  }
  const { limitSeconds } = exported as { limitSeconds?: unknown };
  const most = HANDLER_LIMIT.most;
  if (
    limitSeconds !== undefined &&
    !(typeof limitSeconds === 'number' && limitSeconds > 0 && limitSeconds <= most)
  )
    throw new TypeError(
      `limitSeconds is ${JSON.stringify(limitSeconds)}, not a number above 0 and at most ${most}`,
    );
  if (handlersOf(exported).length === 0)
    throw new TypeError(`it has no handler; there are ${handlerNames.join(', ')}`);
  return exported;
}

export const handlersOf = (callback: Callback): HandlerName[] =>
  handlerNames.filter((name) => callback[name] !== undefined);

export const limitOf = ({ limitSeconds = HANDLER_LIMIT.usual }: Callback): number => limitSeconds;

const kindOf = (value: unknown): string =>
  value === null ? 'null' : Array.isArray(value) ? 'a list' : `a ${typeof value}`;

const MOST_LETTERS = 500;
const PLACE = /([^/\\():\s]+)\.mjs(?:\?[^:]*)?:(\d+):\d+/;

/** In one line, with the place in the file where there is one. */
export function says(thrown: unknown): string {
  const text = thrown instanceof Error ? thrown.message : String(thrown);
  const { code } = Object(thrown) as { code?: unknown };
  const hint =
    code === 'ERR_MODULE_NOT_FOUND'
      ? ' A callback is one file: it imports modules of Node only (node:fs), and types with `import type`.'
      : '';
  const [, file, line] = PLACE.exec((thrown instanceof Error && thrown.stack) || '') ?? [];
  const place = file === undefined ? '' : ` (line ${line} of ${file})`;
  return `${text.split('\n')[0]}${place}`.slice(0, MOST_LETTERS) + hint;
}
