/**
 * Sentences of a text, as NLTK's English Punkt has them (Kiss & Strunk 2006): a period ends one unless the word before it is an abbreviation, an
 * initial or a number whose next word speaks against it. What it was trained to are its parameters (assets/evaluation).
 */
import { isLower, isUpper, trim, trimEnd, WHITE } from '../text.ts';

export interface PunktParameters {
  abbreviations: string[];
  /** Words that often begin a sentence. */
  starters: string[];
  /** Two words of which the first ends with a period that ends no sentence. */
  collocations: [string, string][];
  /** By word: the bits below. */
  contexts: Record<string, number>;
}

/** How a word was seen in the training text: large inside of a sentence, large anywhere, small at its beginning, small anywhere. */
const [MID_LARGE, LARGE, BEGIN_SMALL, SMALL] = [4, 2 + 4 + 8, 16, 16 + 32 + 64];

const NON_WORD = '[)";}\\]*:@\'({\\[\\u2018\\u2019\\u201c\\u201d\\xab\\xbb?!]';
const MULTI = `(?:-{2,}|\\.{2,}|(?:\\.[${WHITE}]){2,}\\.)`;
const STOP = `[${WHITE}]|$|${NON_WORD}|${MULTI}`;
const token = new RegExp(
  `${MULTI}|(?=[^("\`{\\[:;&#*@)}\\]\\-,])[^${WHITE}]+?(?=${STOP}|,(?=${STOP}))|[^${WHITE}]`,
  'gu',
);
const candidate = new RegExp(`[.?!](?=(${NON_WORD}|[${WHITE}]+([^${WHITE}]+)))`, 'gu');
/** Punctuation that closes the sentence before it. */
const closing = new RegExp(
  `^["')\\]}\\u2018\\u2019\\u201c\\u201d\\xab\\xbb]+?(?:[${WHITE}]+|(?=--)|(?![^\\n]))`,
  'u',
);
const NUMERIC = /^-?[.,]?\p{Nd}[\p{Nd},.-]*\.?$/u;
const INITIAL = /^[\p{L}\p{Nl}\p{No}_]\.$/u;

interface Token {
  text: string;
  /** In small letters; numbers are alike. */
  type: string;
  breaks: boolean;
  abbreviation: boolean;
  ellipsis: boolean;
}

interface Candidate {
  end: number;
  /** The word before, what ends, and what follows. */
  context: string;
  /** Where the next sentence would begin. */
  next: number;
}

interface Slice {
  start: number;
  end: number;
}

const withoutPeriod = (type: string) => (type.length > 1 && type.endsWith('.') ? type.slice(0, -1) : type);
const typeBehind = ({ type, breaks }: Token) => (breaks ? withoutPeriod(type) : type);
const first = (text: string) => String.fromCodePoint(text.codePointAt(0) ?? 0);

export class SentenceSplitter {
  readonly #abbreviations: ReadonlySet<string>;
  readonly #starters: ReadonlySet<string>;
  readonly #collocations: ReadonlySet<string>;
  readonly #contexts: ReadonlyMap<string, number>;

  constructor({ abbreviations, starters, collocations, contexts }: PunktParameters) {
    this.#abbreviations = new Set(abbreviations);
    this.#starters = new Set(starters);
    this.#collocations = new Set(collocations.map((pair) => pair.join('\u0000')));
    this.#contexts = new Map(Object.entries(contexts));
  }

  split(text: string): string[] {
    const slices: Slice[] = [];
    let start = 0;
    for (const { end, context, next } of candidates(text)) {
      if (!this.#hasBreak(context)) continue;
      slices.push({ start, end });
      start = next;
    }
    slices.push({ start, end: trimEnd(text).length });
    return realigned(text, slices).map((slice) => text.slice(slice.start, slice.end));
  }

  #hasBreak(context: string): boolean {
    const tokens = context
      .split('\n')
      .filter((line) => trim(line) !== '')
      .flatMap((line) => line.match(token) ?? [])
      .map((one) => this.#firstPass(one));
    for (const [k, one] of tokens.entries()) {
      const next = tokens[k + 1];
      if (!next) return false;
      this.#secondPass(one, next);
      if (one.breaks) return true;
    }
    return false;
  }

  #firstPass(text: string): Token {
    const lower = text.toLowerCase();
    const made: Token = {
      text,
      type: NUMERIC.test(lower) ? '##number##' : lower,
      breaks: false,
      abbreviation: false,
      ellipsis: false,
    };
    if (text === '.' || text === '?' || text === '!') made.breaks = true;
    else if (/^\.\.+$/.test(text)) made.ellipsis = true;
    else if (text.endsWith('.') && !text.endsWith('..')) {
      const word = lower.slice(0, -1);
      const known = this.#abbreviations.has(word) || this.#abbreviations.has(word.split('-').at(-1) ?? '');
      if (known) made.abbreviation = true;
      else made.breaks = true;
    }
    return made;
  }

  #secondPass(one: Token, next: Token): void {
    if (!one.text.endsWith('.')) return;
    const type = withoutPeriod(one.type);
    const nextType = typeBehind(next);
    const initial = INITIAL.test(one.text);
    const noBreak = () => {
      one.breaks = false;
      one.abbreviation = true;
    };
    if (this.#collocations.has(`${type}\u0000${nextType}`)) {
      noBreak();
      return;
    }
    const begins = this.#beginsSentence(next);
    const large = isUpper(first(next.text));
    if ((one.abbreviation || one.ellipsis) && !initial) {
      if (begins === true || (large && this.#starters.has(nextType))) {
        one.breaks = true;
        return;
      }
    }
    if (!initial && type !== '##number##') return;
    const alwaysLarge = begins === null && initial && large && !(this.#context(nextType) & SMALL);
    if (begins === false || alwaysLarge) noBreak();
  }

  #context = (type: string): number => this.#contexts.get(type) ?? 0;

  /** By how the word is written here and was in the training text; null: neither. */
  #beginsSentence(one: Token): boolean | null {
    if (one.text.length === 1 && ';:,.!?'.includes(one.text)) return false;
    const context = this.#context(typeBehind(one));
    const letter = first(one.text);
    if (isUpper(letter) && context & SMALL && !(context & MID_LARGE)) return true;
    if (isLower(letter) && (context & LARGE || !(context & BEGIN_SMALL))) return false;
    return null;
  }
}

/** Of candidates that share the word before them (as in "what?!"), the last. */
function candidates(text: string): Candidate[] {
  const found: Candidate[] = [];
  let [previousStart, previousEnd] = [0, 0];
  let pending: RegExpMatchArray | null = null;
  const take = (match: RegExpMatchArray) => {
    const [, after = '', next] = match;
    const end = (match.index ?? 0) + 1;
    found.push({
      end,
      context: text.slice(previousStart, previousEnd) + match[0] + after,
      next: next === undefined ? end : end + after.length - next.length,
    });
  };
  for (const match of text.matchAll(candidate)) {
    const at = match.index;
    const space = lastSpace(text.slice(previousEnd, at));
    const start = space === 0 ? previousStart : previousEnd + space + 1;
    if (pending && previousEnd <= start) take(pending);
    pending = match;
    [previousStart, previousEnd] = [start, at];
  }
  if (pending) take(pending);
  return found;
}

/** 0 also where there is none. */
const lastSpace = (text: string) => Math.max(0, text.search(/[ \t\n\v\f\r][^ \t\n\v\f\r]*$/));

/** Brackets and quotation marks behind a sentence belong to it. */
function realigned(text: string, slices: readonly Slice[]): Slice[] {
  const result: Slice[] = [];
  let moved = 0;
  for (const [k, slice] of slices.entries()) {
    const own = { start: slice.start + moved, end: slice.end };
    const next = slices[k + 1];
    const closed = next ? closing.exec(text.slice(next.start, next.end)) : null;
    moved = closed?.[0].length ?? 0;
    if (next && closed) result.push({ start: own.start, end: next.start + trimEnd(closed[0]).length });
    else if (own.end > own.start) result.push(own);
  }
  return result;
}
