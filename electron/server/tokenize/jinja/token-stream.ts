/** The tokens of a template, read one after another. */
import { TemplateSyntaxError, type Token, type TokenType } from './lexer.ts';

export class TokenStream {
  readonly #tokens: readonly Token[];
  #at = 0;

  constructor(tokens: readonly Token[]) {
    this.#tokens = tokens;
  }

  get token(): Token | undefined {
    return this.#tokens[this.#at];
  }

  next(): Token {
    const token = this.#tokens[this.#at];
    if (token === undefined) throw new TemplateSyntaxError('The template ends too early');
    this.#at += 1;
    return token;
  }

  /** @param at what was found instead; left out: the token that comes next. */
  fail(expected: string, at: Token | undefined = this.token): never {
    const token = at ?? this.#tokens.at(-1);
    const found = at ? `"${at.value || at.type}"` : 'the end of the template';
    throw new TemplateSyntaxError(`${expected} is expected, found ${found}, in line ${token?.line ?? 1}`);
  }

  is(type: TokenType, value?: string, ahead = 0): boolean {
    const token = this.#tokens[this.#at + ahead];
    return token?.type === type && (value === undefined || token.value === value);
  }

  skip(type: TokenType, value?: string): boolean {
    if (!this.is(type, value)) return false;
    this.#at += 1;
    return true;
  }

  expect(type: TokenType, value?: string): Token {
    if (!this.is(type, value)) this.fail(value ?? type);
    return this.next();
  }
}
