/** What metrics of texts share: words and n-grams, cut and counted as Python does, whose packages are the reference. */

/** White space of Python's str.split(), which is not quite that of `\s`: it has the separators of ASCII and U+0085, and no byte order mark. */
export const WHITE =
  '\\t\\n\\v\\f\\r\\x1c-\\x1f \\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const white = new RegExp(`[${WHITE}]+`, 'u');
const leading = new RegExp(`^[${WHITE}]+`, 'u');
const trailing = new RegExp(`[${WHITE}]+$`, 'u');

/** What `\w` means to Python's regular expressions, inside of brackets: more than letters and digits of ASCII, and no marks of accents. */
export const WORD = '\\p{L}\\p{N}_';

export const words = (text: string): string[] => text.split(white).filter((word) => word !== '');

/** Without white space at the end. */
export const trimEnd = (text: string): string => text.replace(trailing, '');

/** Without white space at both ends, as Python's strip(). */
export const trim = (text: string): string => trimEnd(text).replace(leading, '');

/** As Python's isupper(): some letter has a case, and none is small. */
export const isUpper = (text: string): boolean =>
  /\p{Uppercase}/u.test(text) && !/[\p{Lowercase}\p{Lt}]/u.test(text);

export const isLower = (text: string): boolean =>
  /\p{Lowercase}/u.test(text) && !/[\p{Uppercase}\p{Lt}]/u.test(text);

export type Counts = ReadonlyMap<string, number>;

/** How often each run of `n` parts occurs. */
export function countNgrams(parts: readonly string[], n: number, separator = '\u0000'): Map<string, number> {
  const counts = new Map<string, number>();
  for (let k = 0; k + n <= parts.length; k += 1) {
    const ngram = parts.slice(k, k + n).join(separator);
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1);
  }
  return counts;
}

export const total = (counts: Counts): number => {
  let sum = 0;
  for (const count of counts.values()) sum += count;
  return sum;
};

/** Those that both have, each as often as the one that has fewer. */
export function overlap(a: Counts, b: Counts): number {
  let sum = 0;
  for (const [ngram, count] of a) sum += Math.min(count, b.get(ngram) ?? 0);
  return sum;
}

export const mean = (values: readonly number[]): number =>
  values.length === 0 ? Number.NaN : values.reduce((sum, value) => sum + value, 0) / values.length;
