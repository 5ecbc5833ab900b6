/** The 25 kinds of instructions of IFEval: what each needs, and how an answer is held against it. Texts are cut and searched as Python does. */
import { isLower, isUpper, trim, WHITE, WORD, words } from '../text.ts';
import type { TextTools } from './follow.ts';
import { BOUNDARY, pythonPattern } from './python-pattern.ts';

type Check = (answer: string, tools: TextTools) => boolean;
export type Settings = Record<string, unknown>;

export interface InstructionKind {
  /** The check of an instruction with these settings. Throws RangeError for settings that are missing, or are nothing to check by. */
  check: (settings: Settings) => Check;
}

/** Settings of an instruction, checked. The package draws those that are missing at random; here they are an error. */
class Reader {
  readonly #settings: Settings;

  constructor(settings: Settings) {
    this.#settings = settings;
  }

  #of<T>(name: string, expected: string, is: (value: unknown) => value is T): T {
    const value = this.#settings[name];
    if (is(value)) return value;
    throw new RangeError(`${name} is ${JSON.stringify(value) ?? 'missing'}, where ${expected} is expected`);
  }

  count = (name: string): number =>
    this.#of(
      name,
      'a whole number above 0',
      (value): value is number => Number.isInteger(value) && Number(value) > 0,
    );

  text = (name: string) =>
    this.#of(name, 'a text', (value): value is string => typeof value === 'string' && value !== '');

  texts = (name: string) =>
    this.#of(
      name,
      'a list of texts',
      (value): value is string[] =>
        Array.isArray(value) && value.length > 0 && value.every((one) => typeof one === 'string'),
    );

  /** Whether a number is as the relation says: fewer than the limit, or at least that many. */
  relation(name: string, limit: string): (found: number) => boolean {
    const most = this.count(limit);
    const relation = this.text(name);
    if (relation === 'less than') return (found) => found < most;
    if (relation === 'at least') return (found) => found >= most;
    throw new RangeError(`${name} is "${relation}", where "less than" or "at least" is expected`);
  }
}

const count = (text: string, searched: RegExp) => [...text.matchAll(searched)].length;
const has = (text: string, searched: RegExp) => text.search(searched) >= 0;
/** Of a pattern that came with the row. */
const given = {
  count: (text: string, pattern: RegExp, { limited }: TextTools) =>
    limited(pattern, () => count(text, pattern)),
  has: (text: string, pattern: RegExp, { limited }: TextTools) => limited(pattern, () => has(text, pattern)),
};
const re = (source: string) => new RegExp(source, 'gu');

/** Ends of lines are those of Python: `\n` alone. */
const LINE = { begin: '(?<![^\\n])', rest: '[^\\n]*', end: '(?![^\\n])' };
const stripped = (text: string, letters: string, ends: 'start' | 'end' | 'both') => {
  let [from, to] = [0, text.length];
  if (ends !== 'end') while (from < to && letters.includes(text.charAt(from))) from += 1;
  if (ends !== 'start') while (to > from && letters.includes(text.charAt(to - 1))) to -= 1;
  return text.slice(from, to);
};

const bullets = [
  re(`${LINE.begin}[${WHITE}]*\\*[^*]${LINE.rest}${LINE.end}`),
  re(`${LINE.begin}[${WHITE}]*-${LINE.rest}${LINE.end}`),
];

function highlights(answer: string): number {
  const single = answer.match(/\*[^\n*]*\*/g) ?? [];
  const double = answer.match(/\*\*[^\n*]*\*\*/g) ?? [];
  return (
    single.filter((one) => trim(stripped(one, '*', 'both')) !== '').length +
    double.filter((one) => trim(one.slice(2, -2)) !== '').length
  );
}

/** Parts between dividers; those at both ends may be empty. null: another one is. */
function parts(answer: string, divider: RegExp | string): string[] | null {
  const all = answer.split(divider);
  const filled = all.filter((part) => trim(part) !== '');
  const inner = all.slice(1, -1).filter((part) => trim(part) === '');
  return inner.length > 0 ? null : filled;
}

function postscript(marker: string): RegExp {
  if (marker === 'P.P.S') return re(`p\\.[${WHITE}]?p\\.[${WHITE}]?s`);
  if (marker === 'P.S.') return re(`p\\.[${WHITE}]?s\\.`);
  return pythonPattern(marker.toLowerCase());
}

/** Python's parser takes these three for numbers as well. */
const NUMBERS = /"(?:[^"\\]|\\.)*"|-?Infinity|NaN/gs;

function isJson(answer: string): boolean {
  let text = trim(answer);
  for (const fence of ['```json', '```Json', '```JSON', '```'])
    if (text.startsWith(fence)) text = text.slice(fence.length);
  if (text.endsWith('```')) text = text.slice(0, -3);
  try {
    JSON.parse(trim(text).replace(NUMBERS, (one) => (one.startsWith('"') ? one : ' 0 ')));
    return true;
  } catch {
    return false;
  }
}

function nthParagraph(read: Reader): Check {
  const wanted = read.count('num_paragraphs');
  const nth = read.count('nth_paragraph');
  const word = read.text('first_word').toLowerCase();
  if (nth > wanted) throw new RangeError(`nth_paragraph is ${nth}, of ${wanted} paragraphs`);
  return (answer) => {
    const all = answer.split('\n\n');
    const filled = all.filter((one) => trim(one) !== '').length;
    const paragraph = nth <= filled ? trim(all[nth - 1] ?? '') : '';
    if (paragraph === '') return false;
    const bare = stripped(stripped(words(paragraph)[0] ?? '', "'", 'start'), '"', 'start');
    const own = bare.slice(0, /[.,?!'"]|$/.exec(bare)?.index).toLowerCase();
    return filled === wanted && own === word;
  };
}

/** A text in which no language can be found counts as following, as in the package. */
const inLanguage =
  (language: string): Check =>
  (answer, tools) => {
    const found = tools.language(answer);
    return found === null || found === language;
  };
const english = inLanguage('en');

const kinds: Readonly<Record<string, (read: Reader) => Check>> = {
  'keywords:existence': (read) => {
    const all = read.texts('keywords').map((one) => pythonPattern(one));
    return (answer, tools) => all.every((one) => given.has(answer, one, tools));
  },
  'keywords:frequency': (read) => {
    const keyword = pythonPattern(trim(read.text('keyword')));
    const enough = read.relation('relation', 'frequency');
    return (answer, tools) => enough(given.count(answer, keyword, tools));
  },
  'keywords:forbidden_words': (read) => {
    const around = (word: string) => BOUNDARY + word + BOUNDARY;
    const all = read.texts('forbidden_words').map((one) => pythonPattern(one, { around }));
    return (answer, tools) => !all.some((one) => given.has(answer, one, tools));
  },
  // The package draws another letter where this one is none of a to z; here it is the letter that the prompt names.
  'keywords:letter_frequency': (read) => {
    const letter = read.text('letter').toLowerCase();
    const enough = read.relation('let_relation', 'let_frequency');
    return (answer) => enough(answer.toLowerCase().split(letter).length - 1);
  },
  'language:response_language': (read) => inLanguage(read.text('language')),
  'length_constraints:number_sentences': (read) => {
    const enough = read.relation('relation', 'num_sentences');
    return (answer, tools) => enough(tools.sentences(answer).length);
  },
  'length_constraints:number_paragraphs': (read) => {
    const wanted = read.count('num_paragraphs');
    const divider = new RegExp(`[${WHITE}]?\\*\\*\\*[${WHITE}]?`, 'u');
    return (answer) => parts(answer, divider)?.length === wanted;
  },
  'length_constraints:number_words': (read) => {
    const enough = read.relation('relation', 'num_words');
    return (answer) => enough(count(answer, re(`[${WORD}]+`)));
  },
  'length_constraints:nth_paragraph_first_word': nthParagraph,
  'detectable_content:number_placeholders': (read) => {
    const least = read.count('num_placeholders');
    return (answer) => count(answer, /\[[^\n]*?\]/g) >= least;
  },
  'detectable_content:postscript': (read) => {
    const marker = postscript(trim(read.text('postscript_marker')));
    return (answer, tools) => given.has(answer.toLowerCase(), marker, tools);
  },
  'detectable_format:number_bullet_lists': (read) => {
    const wanted = read.count('num_bullets');
    return (answer) => bullets.reduce((sum, one) => sum + count(answer, one), 0) === wanted;
  },
  'detectable_format:constrained_response': () => {
    const options = ['My answer is yes.', 'My answer is no.', 'My answer is maybe.'];
    return (answer) => options.some((one) => answer.includes(one));
  },
  'detectable_format:number_highlighted_sections': (read) => {
    const least = read.count('num_highlights');
    return (answer) => highlights(answer) >= least;
  },
  'detectable_format:multiple_sections': (read) => {
    const least = read.count('num_sections');
    const around = (name: string) => `[${WHITE}]?${name}[${WHITE}]?\\p{Nd}+[${WHITE}]?`;
    const marks = pythonPattern(trim(read.text('section_spliter')), { around, ignoreCase: false });
    return (answer, tools) => given.count(answer, marks, tools) >= least;
  },
  'detectable_format:json_format': () => isJson,
  'detectable_format:title': () => (answer) =>
    (answer.match(/<<[^\n]+>>/g) ?? []).some(
      (title) => trim(stripped(stripped(title, '<', 'start'), '>', 'end')) !== '',
    ),
  'combination:two_responses': () => (answer) => {
    const two = parts(answer, '******')?.map(trim);
    return two?.length === 2 && two[0] !== two[1];
  },
  'combination:repeat_prompt': (read) => {
    const prompt = trim(read.text('prompt_to_repeat')).toLowerCase();
    return (answer) => trim(answer).toLowerCase().startsWith(prompt);
  },
  'startend:end_checker': (read) => {
    const end = trim(read.text('end_phrase')).toLowerCase();
    return (answer) => stripped(trim(answer), '"', 'both').toLowerCase().endsWith(end);
  },
  'change_case:capital_word_frequency': (read) => {
    const enough = read.relation('capital_relation', 'capital_frequency');
    return (answer, tools) => enough(tools.words(answer).filter(isUpper).length);
  },
  'change_case:english_capital': () => (answer, tools) => isUpper(answer) && english(answer, tools),
  'change_case:english_lowercase': () => (answer, tools) => isLower(answer) && english(answer, tools),
  'punctuation:no_comma': () => (answer) => !answer.includes(','),
  'startend:quotation': () => (answer) => {
    const text = trim(answer);
    return text.length > 1 && text.startsWith('"') && text.endsWith('"');
  },
};

export const instructionIds: readonly string[] = Object.keys(kinds);

/** Throws RangeError for a name that is none. */
export function instructionKind(id: string): InstructionKind {
  const made = Object.hasOwn(kinds, id) ? kinds[id] : undefined;
  if (!made) throw new RangeError(`"${id}" is none of the ${instructionIds.length} kinds of instructions`);
  return { check: (settings) => made(new Reader(settings)) };
}
