/** Whether an answer is right, by simple rules. All give 0 or 1, except the F1 of words. */
import { countNgrams, overlap, words } from './text.ts';

/** White space around a text says nothing; case and punctuation do. */
const plain = (text: string) => text.trim();

export const exactMatch = (answer: string, references: readonly string[]): number =>
  Number(references.some((reference) => plain(reference) === plain(answer)));

/** Whether the answer has a reference somewhere in it, in whatever case. */
export const containsReference = (answer: string, references: readonly string[]): number =>
  Number(references.some((reference) => answer.toLowerCase().includes(plain(reference).toLowerCase())));

/**
 * The number an answer ends with, by the rule of GSM8K: what stands after the last `####`, else the last number in the text. Signs of
 * currency, commas between digits and a period at the end are no part of it. null: there is none.
 */
export function finalNumber(text: string): number | null {
  const marked = text.lastIndexOf('####');
  const numbers = (marked < 0 ? text : text.slice(marked + 4)).match(/-?\$?(?:\d[\d,]*(?:\.\d+)?|\.\d+)/g);
  const found = marked < 0 ? numbers?.at(-1) : numbers?.[0];
  return found === undefined ? null : Number(found.replace(/[$,]/g, ''));
}

export function numberMatch(answer: string, references: readonly string[]): number {
  const own = finalNumber(answer);
  return Number(own !== null && references.some((reference) => finalNumber(reference) === own));
}

const PUNCTUATION = /[!"#$%&'()*+,\-./:;<=>?@[\\\]^_`{|}~]/g;

/** As the evaluation of SQuAD takes them: lower case, no punctuation, no articles. */
const bare = (text: string): string[] =>
  words(
    text
      .toLowerCase()
      .replace(PUNCTUATION, '')
      .replace(/(?<![\p{L}\p{N}_])(a|an|the)(?![\p{L}\p{N}_])/gu, ' '),
  );

/** F1 of the words of answer and reference, as SQuAD counts it (Rajpurkar et al. 2016); the best over the references. */
export function wordF1(answer: string, references: readonly string[]): number {
  const own = bare(answer);
  const scores = references.map((reference) => {
    const other = bare(reference);
    const both = overlap(countNgrams(own, 1), countNgrams(other, 1));
    if (both === 0) return 0;
    const [precision, recall] = [both / own.length, both / other.length];
    return (2 * precision * recall) / (precision + recall);
  });
  return Math.max(...scores);
}

const NO_JSON = Symbol('no JSON');

/** What the answer says in JSON, a fence of Markdown around it allowed. */
function jsonOf(answer: string): unknown {
  const fenced = /^\s*```(?:json)?\s*\n([\s\S]*?)\n?```\s*$/i.exec(answer);
  try {
    return JSON.parse(fenced?.[1] ?? answer);
  } catch {
    return NO_JSON;
  }
}

export const validJson = (answer: string): number => Number(jsonOf(answer) !== NO_JSON);

export function matchesSchema(answer: string, validate: (value: unknown) => boolean): number {
  const value = jsonOf(answer);
  return Number(value !== NO_JSON && validate(value));
}

/**
 * Of `n` answers to a prompt, `right` of them right: the chance that one of `k` drawn from them is (Chen et al. 2021,
 * https://arxiv.org/abs/2107.03374), 1 - C(n - right, k) / C(n, k).
 */
export function passAtK(n: number, right: number, k: number): number {
  if (k > n) throw new RangeError(`pass@${k} needs at least ${k} answers to a prompt, and there are ${n}.`);
  if (n - right < k) return 1;
  let none = 1;
  for (let i = n - right + 1; i <= n; i += 1) none *= 1 - k / i;
  return 1 - none;
}
