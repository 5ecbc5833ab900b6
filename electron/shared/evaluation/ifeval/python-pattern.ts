/** Regular expressions that were written for Python, as JavaScript's: the same classes of characters, and what Python lets pass unescaped. */
import { WHITE, WORD } from '../text.ts';

const CLASSES: Readonly<Record<string, string>> = { w: WORD, s: WHITE, d: '\\p{Nd}' };
const OTHERS: Readonly<Record<string, string>> = { W: WORD, S: WHITE, D: '\\p{Nd}' };
export const BOUNDARY = `(?:(?<![${WORD}])(?=[${WORD}])|(?<=[${WORD}])(?![${WORD}]))`;
const SYNTAX = '^$\\.*+?()[]{}|/';

/** An escaped character, without its backslash. */
function escaped(letter: string, inside: boolean): string {
  const [own, other] = [CLASSES[letter], OTHERS[letter]];
  if (own !== undefined) return inside ? own : `[${own}]`;
  if (other !== undefined && !inside) return `[^${other}]`;
  if (letter === 'b' && !inside) return BOUNDARY;
  if (/[\p{L}\p{N}]/u.test(letter) || SYNTAX.includes(letter) || (letter === '-' && inside))
    return `\\${letter}`;
  return letter;
}

function translated(source: string): string {
  const letters = Array.from(source);
  let [result, inside] = ['', false];
  for (let k = 0; k < letters.length; k += 1) {
    const letter = letters[k] ?? '';
    if (letter === '\\') {
      k += 1;
      result += escaped(letters[k] ?? '', inside);
    } else if (inside) {
      inside = letter !== ']';
      result += letter === '[' ? '\\[' : letter;
    } else if (letter === '[') {
      inside = true;
      // A bracket that closes right away is one of the class.
      const negated = letters[k + 1] === '^' ? 1 : 0;
      const closes = letters[k + 1 + negated] === ']' ? 1 : 0;
      result += `[${negated ? '^' : ''}${closes ? '\\]' : ''}`;
      k += negated + closes;
    } else if (letter === '.') result += '[^\\n]';
    else if (letter === ']' || letter === '}') result += `\\${letter}`;
    else if (letter === '{') {
      const times = /^\{\d+(?:,\d*)?\}/.exec(letters.slice(k).join(''))?.[0];
      result += times ?? '\\{';
      k += (times?.length ?? 1) - 1;
    } else result += letter;
  }
  return result;
}

/** `around`: what stands around it. Throws RangeError for what is no regular expression. */
export function pythonPattern(
  source: string,
  { around = (same: string) => same, ignoreCase = true } = {},
): RegExp {
  try {
    return new RegExp(around(translated(source)), ignoreCase ? 'giu' : 'gu');
  } catch {
    throw new RangeError(`"${source}" is no regular expression`);
  }
}
