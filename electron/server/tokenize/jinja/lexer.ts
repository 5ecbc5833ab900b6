/**
 * Template text -> tokens, as jinja2's lexer does with the options that transformers sets: `trim_blocks` (the line break
 * behind a block goes) and `lstrip_blocks` (white space of the line before a block goes).
 */

export type TokenType =
  | 'text'
  | 'block_begin'
  | 'block_end'
  | 'print_begin'
  | 'print_end'
  | 'name'
  | 'string'
  | 'integer'
  | 'float'
  | 'operator';

export interface Token {
  type: TokenType;
  value: string;
  line: number;
}

export class TemplateSyntaxError extends Error {}

/** White space as Python's `str.strip` and `\s` have it. */
export const PY_SPACE =
  '\\t-\\r\\x1c-\\x20\\x85\\xa0\\u1680\\u2000-\\u200a\\u2028\\u2029\\u202f\\u205f\\u3000';
const trailing = new RegExp(`[${PY_SPACE}]+$`, 'u');
const leading = new RegExp(`[${PY_SPACE}]*`, 'uy');
const onlySpace = new RegExp(`^[${PY_SPACE}]+$`, 'u');

const OPEN = /\{[%{#]/g;
const NAME = /[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{Mn}\p{Mc}\p{Nd}\p{Pc}]*/uy;
const FLOAT = /(?<!\.)\d(?:_?\d)*(?:\.\d(?:_?\d)*(?:[eE][+-]?\d(?:_?\d)*)?|[eE][+-]?\d(?:_?\d)*)/y;
const INTEGER = /0[bB](?:_?[01])+|0[oO](?:_?[0-7])+|0[xX](?:_?[\da-fA-F])+|\d(?:_?\d)*/y;
const STRING = /'([^'\\]*(?:\\[\s\S][^'\\]*)*)'|"([^"\\]*(?:\\[\s\S][^"\\]*)*)"/y;
const OPERATOR = /\/\/|\*\*|==|!=|>=|<=|[+\-/*%~[\](){}><=.:|,;]/y;
const RAW = /\{%([-+]?)\s*raw\s*(-?)%\}/y;
const END_RAW = /\{%([-+]?)\s*endraw\s*([-+]?)%\}\n?/g;

const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  b: '\b',
  f: '\f',
  v: '\v',
  a: '\x07',
  '\\': '\\',
  "'": "'",
  '"': '"',
  '\n': '',
};

/** A string literal as Python reads it: unknown escapes stay as they are written. */
function stringValue(text: string): string {
  return text.replace(
    /\\(?:x([\da-fA-F]{2})|u([\da-fA-F]{4})|U([\da-fA-F]{8})|([0-7]{1,3})|([\s\S]))/g,
    (whole, x, u, long, octal, other) => {
      const hex = x ?? u ?? long;
      if (hex !== undefined) return String.fromCodePoint(Number.parseInt(hex, 16));
      if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
      return ESCAPES[other] ?? whole;
    },
  );
}

const CLOSING: Readonly<Record<string, string>> = { '(': ')', '[': ']', '{': '}' };

class Lexer {
  readonly tokens: Token[] = [];
  readonly #source: string;
  #at = 0;
  #line = 1;
  #lineAt = 0;
  /** true: what precedes is the beginning of a line, so that white space before a block may go. */
  #atLineStart = true;

  constructor(source: string) {
    const normal = source.replace(/\r\n|\r/g, '\n');
    this.#source = normal.endsWith('\n') ? normal.slice(0, -1) : normal;
  }

  run(): Token[] {
    while (this.#at < this.#source.length) this.#next();
    return this.tokens;
  }

  #lineOf(at: number): number {
    for (; this.#lineAt < at; this.#lineAt += 1) if (this.#source[this.#lineAt] === '\n') this.#line += 1;
    return this.#line;
  }

  #push(type: TokenType, value: string, at = this.#at): void {
    this.tokens.push({ type, value, line: this.#lineOf(at) });
  }

  #fail(what: string, at = this.#at): never {
    throw new TemplateSyntaxError(`${what} in line ${this.#lineOf(at)}`);
  }

  #match(pattern: RegExp, at = this.#at): RegExpExecArray | null {
    pattern.lastIndex = at;
    return pattern.exec(this.#source);
  }

  #moveTo(at: number): void {
    if (at > this.#at) this.#atLineStart = this.#source[at - 1] === '\n';
    this.#at = at;
  }

  /** Text up to the next tag, and the tag. */
  #next(): void {
    OPEN.lastIndex = this.#at;
    const open = OPEN.exec(this.#source);
    if (open === null) {
      this.#push('text', this.#source.slice(this.#at));
      this.#at = this.#source.length;
      return;
    }
    const start = open.index;
    const sign = this.#source[start + 2] ?? '';
    const text = this.#stripped(this.#source.slice(this.#at, start), sign, open[0] === '{{');
    if (text !== '') this.#push('text', text);
    const raw = open[0] === '{%' ? this.#match(RAW, start) : null;
    if (raw !== null) this.#raw(start + raw[0].length, raw[2] === '-');
    else if (open[0] === '{#') this.#comment(start);
    else {
      const block = open[0] === '{%';
      this.#push(block ? 'block_begin' : 'print_begin', '', start);
      this.#moveTo(start + 2 + (sign === '-' || sign === '+' ? 1 : 0));
      this.#inside(block);
    }
  }

  #stripped(text: string, sign: string, print: boolean): string {
    if (sign === '-') return text.replace(trailing, '');
    if (sign === '+' || print) return text;
    const from = text.lastIndexOf('\n') + 1;
    if (from === 0 && !this.#atLineStart) return text;
    return onlySpace.test(text.slice(from)) ? text.slice(0, from) : text;
  }

  #comment(start: number): void {
    const end = this.#source.indexOf('#}', start + 2);
    if (end < 0) this.#fail('A comment is never closed', start);
    const sign = end > start + 2 ? this.#source[end - 1] : '';
    this.#moveTo(this.#behind(end + 2, sign === '-', sign === '+'));
  }

  /** Where text goes on behind the end of a block: white space or one line break is skipped. */
  #behind(at: number, strip: boolean, keep: boolean): number {
    if (strip) return at + (this.#match(leading, at)?.[0].length ?? 0);
    return !keep && this.#source[at] === '\n' ? at + 1 : at;
  }

  #raw(from: number, strip: boolean): void {
    const start = strip ? this.#behind(from, true, false) : from;
    END_RAW.lastIndex = start;
    const end = END_RAW.exec(this.#source);
    if (end === null) this.#fail('{% raw %} is never closed', from);
    let text = this.#source.slice(start, end.index);
    this.#moveTo(start);
    text = this.#stripped(text, end[1] ?? '', false);
    if (text !== '') this.#push('text', text);
    const stop = end.index + end[0].replace(/\n$/, '').length;
    this.#moveTo(this.#behind(stop, end[2] === '-', end[2] === '+'));
  }

  /** Tokens of a tag, up to and with its end. */
  #inside(block: boolean): void {
    const brackets: string[] = [];
    const end = block ? '%}' : '}}';
    for (;;) {
      this.#moveTo(this.#at + (this.#match(leading)?.[0].length ?? 0));
      if (this.#at >= this.#source.length) this.#fail('The template ends inside a tag');
      if (brackets.length === 0) {
        const sign = this.#source[this.#at] ?? '';
        const signed =
          (sign === '-' || (sign === '+' && block)) && this.#source.startsWith(end, this.#at + 1);
        if (signed || this.#source.startsWith(end, this.#at)) {
          this.#push(block ? 'block_end' : 'print_end', '');
          const stop = this.#at + (signed ? 3 : 2);
          this.#moveTo(block || sign === '-' ? this.#behind(stop, signed && sign === '-', signed) : stop);
          return;
        }
      }
      this.#token(brackets);
    }
  }

  #token(brackets: string[]): void {
    const literal = this.#literal();
    if (literal !== null) {
      this.#take(...literal);
      return;
    }
    const operator = this.#match(OPERATOR)?.[0];
    if (operator === undefined) this.#fail(`Unexpected ${JSON.stringify(this.#source[this.#at])}`);
    const closing = CLOSING[operator];
    if (closing !== undefined) brackets.push(closing);
    else if (')]}'.includes(operator) && brackets.pop() !== operator) this.#fail(`Unexpected "${operator}"`);
    this.#take('operator', operator, operator);
  }

  /** A name, number or text: its type, how it is written, and what it stands for. */
  #literal(): [type: TokenType, raw: string, value: string] | null {
    const name = this.#match(NAME)?.[0];
    if (name !== undefined) return ['name', name, name];
    const float = this.#match(FLOAT)?.[0];
    if (float !== undefined) return ['float', float, float.replaceAll('_', '')];
    const integer = this.#match(INTEGER)?.[0];
    if (integer !== undefined) return ['integer', integer, integer.replaceAll('_', '')];
    const string = this.#match(STRING);
    return string && ['string', string[0], stringValue(string[1] ?? string[2] ?? '')];
  }

  #take(type: TokenType, raw: string, value: string): void {
    this.#push(type, value);
    this.#moveTo(this.#at + raw.length);
  }
}

/** Throws TemplateSyntaxError with the line. */
export const tokenize = (source: string): Token[] => new Lexer(source).run();
