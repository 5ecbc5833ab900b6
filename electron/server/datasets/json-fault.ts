/** Where a text stops being JSON. JSON.parse knows, but not every version of it says. */

const SPACE = /[ \t\n\r]*/y;
const SCALAR =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: JSON forbids exactly these inside a string
  /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"|-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null/y;

/** What may come next at a place in the text. */
type State = 'value' | 'value_or_end' | 'key' | 'key_or_end' | 'colon' | 'comma_or_end';

/** Offset of the first character that cannot be there; the length of the text when it ends too early. */
export function jsonFault(text: string): number {
  const open: ('{' | '[')[] = [];
  let state: State = 'value';
  let at = 0;
  const match = (pattern: RegExp): string | null => {
    pattern.lastIndex = at;
    return pattern.exec(text)?.[0] ?? null;
  };
  const close = (): void => {
    open.pop();
    state = 'comma_or_end';
    at += 1;
  };
  for (;;) {
    at += match(SPACE)?.length ?? 0;
    const character = text[at];
    if (character === undefined) return at;
    const inside = open.at(-1);
    if (state === 'comma_or_end') {
      if (inside === undefined) return at; // something after the value
      if (character === (inside === '{' ? '}' : ']')) close();
      else if (character === ',') {
        state = inside === '{' ? 'key' : 'value';
        at += 1;
      } else return at;
    } else if (state === 'colon') {
      if (character !== ':') return at;
      state = 'value';
      at += 1;
    } else if (state === 'key' || state === 'key_or_end') {
      if (character === '}' && state === 'key_or_end') close();
      else {
        const key = character === '"' ? match(SCALAR) : null;
        if (key === null) return at;
        state = 'colon';
        at += key.length;
      }
    } else if (character === '{' || character === '[') {
      open.push(character);
      state = character === '{' ? 'key_or_end' : 'value_or_end';
      at += 1;
    } else if (character === ']' && state === 'value_or_end') close();
    else {
      const scalar = match(SCALAR);
      if (scalar === null) return at;
      state = 'comma_or_end';
      at += scalar.length;
    }
  }
}
