/** Tokens -> tree: expressions, in the order of precedence of `jinja2.parser`. */
import type { Arguments, Expression } from './ast.ts';
import { TokenStream } from './token-stream.ts';

const COMPARE = new Set(['==', '!=', '<', '<=', '>', '>=']);
const CONSTANTS: Readonly<Record<string, null | boolean>> = {
  true: true,
  True: true,
  false: false,
  False: false,
  none: null,
  None: null,
};
/** Words that end an argument of a test written without brackets. */
const AFTER_TEST = new Set(['else', 'or', 'and', 'is']);

export const noArguments = (): Arguments => ({ positional: [], named: [], list: null, dict: null });

export class ExpressionParser extends TokenStream {
  expression(): Expression {
    let then = this.#or();
    while (this.skip('name', 'if')) {
      const test = this.#or();
      const otherwise = this.skip('name', 'else') ? this.expression() : null;
      then = { kind: 'condition', test, then, otherwise };
    }
    return then;
  }

  /** One expression, or several with commas: a tuple. `conditions`: whether `a if b` may be in it. */
  tuple(conditions = true, end: () => boolean = () => false): Expression {
    const one = () => (conditions ? this.expression() : this.#or());
    const items: Expression[] = [];
    let comma = false;
    for (;;) {
      if (this.#ends() || end()) break;
      items.push(one());
      if (!this.skip('operator', ',')) break;
      comma = true;
    }
    if (items.length === 1 && !comma) return items[0] as Expression;
    if (items.length === 0) this.fail('an expression');
    return { kind: 'tuple', items };
  }

  #ends(): boolean {
    return this.is('block_end') || this.is('print_end') || this.is('operator', ')');
  }

  #or(): Expression {
    let left = this.#and();
    while (this.skip('name', 'or')) left = { kind: 'logic', operator: 'or', left, right: this.#and() };
    return left;
  }

  #and(): Expression {
    let left = this.#not();
    while (this.skip('name', 'and')) left = { kind: 'logic', operator: 'and', left, right: this.#not() };
    return left;
  }

  #not(): Expression {
    if (this.skip('name', 'not')) return { kind: 'unary', operator: 'not', value: this.#not() };
    return this.#compare();
  }

  #compare(): Expression {
    const first = this.#sum();
    const rest: { operator: string; value: Expression }[] = [];
    for (;;) {
      let operator: string;
      if (this.token?.type === 'operator' && COMPARE.has(this.token.value)) operator = this.next().value;
      else if (this.skip('name', 'in')) operator = 'in';
      else if (this.is('name', 'not') && this.is('name', 'in', 1)) {
        this.next();
        this.next();
        operator = 'not in';
      } else break;
      rest.push({ operator, value: this.#sum() });
    }
    return rest.length === 0 ? first : { kind: 'compare', first, rest };
  }

  #operators(names: readonly string[], operand: () => Expression): Expression {
    let left = operand();
    while (this.token?.type === 'operator' && names.includes(this.token.value))
      left = { kind: 'binary', operator: this.next().value, left, right: operand() };
    return left;
  }

  #sum(): Expression {
    return this.#operators(['+', '-'], () => this.#concat());
  }

  #concat(): Expression {
    const items = [this.#product()];
    while (this.skip('operator', '~')) items.push(this.#product());
    return items.length === 1 ? (items[0] as Expression) : { kind: 'concat', items };
  }

  #product(): Expression {
    return this.#operators(['*', '/', '//', '%'], () => this.#power());
  }

  #power(): Expression {
    return this.#operators(['**'], () => this.#unary(true));
  }

  #unary(filters: boolean): Expression {
    let value: Expression;
    if (this.skip('operator', '-')) value = { kind: 'unary', operator: '-', value: this.#unary(false) };
    else if (this.skip('operator', '+')) value = { kind: 'unary', operator: '+', value: this.#unary(false) };
    else value = this.#primary();
    value = this.#postfix(value);
    return filters ? this.#filters(value) : value;
  }

  #primary(): Expression {
    const token = this.next();
    switch (token.type) {
      case 'name': {
        const constant = CONSTANTS[token.value];
        return constant === undefined
          ? { kind: 'name', name: token.value }
          : { kind: 'const', value: constant };
      }
      case 'string': {
        let value = token.value;
        while (this.is('string')) value += this.next().value;
        return { kind: 'const', value };
      }
      case 'integer':
        return { kind: 'const', value: Number(token.value) };
      case 'float':
        return { kind: 'float', value: Number(token.value) };
      case 'operator':
        if (token.value === '(') return this.#bracketed();
        if (token.value === '[') return { kind: 'list', items: this.#list(']') };
        if (token.value === '{') return this.#dict();
    }
    return this.fail('an expression', token);
  }

  #bracketed(): Expression {
    if (this.skip('operator', ')')) return { kind: 'tuple', items: [] };
    const value = this.tuple();
    this.expect('operator', ')');
    return value;
  }

  #list(end: string): Expression[] {
    const items: Expression[] = [];
    while (!this.skip('operator', end)) {
      if (items.length > 0) {
        this.expect('operator', ',');
        if (this.skip('operator', end)) break;
      }
      items.push(this.expression());
    }
    return items;
  }

  #dict(): Expression {
    const entries: [Expression, Expression][] = [];
    while (!this.skip('operator', '}')) {
      if (entries.length > 0) {
        this.expect('operator', ',');
        if (this.skip('operator', '}')) break;
      }
      const key = this.expression();
      this.expect('operator', ':');
      entries.push([key, this.expression()]);
    }
    return { kind: 'dict', entries };
  }

  #postfix(start: Expression): Expression {
    let value = start;
    for (;;) {
      if (this.skip('operator', '.')) value = this.#member(value);
      else if (this.skip('operator', '[')) value = this.#subscript(value);
      else if (this.is('operator', '(')) value = { kind: 'call', callee: value, args: this.arguments() };
      else return value;
    }
  }

  #member(object: Expression): Expression {
    const token = this.next();
    if (token.type === 'name') return { kind: 'attribute', object, name: token.value };
    if (token.type !== 'integer') this.fail('a name behind the dot');
    return { kind: 'item', object, key: { kind: 'const', value: Number(token.value) } };
  }

  #subscript(object: Expression): Expression {
    const parts: (Expression | null)[] = [];
    let slice = false;
    let part: Expression | null = null;
    const items: Expression[] = [];
    for (;;) {
      if (this.skip('operator', ']')) break;
      if (this.skip('operator', ':')) {
        slice = true;
        parts.push(part);
        part = null;
      } else if (this.skip('operator', ',')) {
        if (part) items.push(part);
        part = null;
      } else part = this.expression();
    }
    if (slice) return { kind: 'slice', object, parts: [...parts, part] };
    if (items.length > 0)
      return { kind: 'item', object, key: { kind: 'tuple', items: part ? [...items, part] : items } };
    if (part === null) this.fail('an expression');
    return { kind: 'item', object, key: part as Expression };
  }

  /** Arguments of a call, with their brackets. */
  arguments(): Arguments {
    const args = noArguments();
    this.expect('operator', '(');
    for (let first = true; !this.skip('operator', ')'); first = false) {
      if (!first) {
        this.expect('operator', ',');
        if (this.skip('operator', ')')) break;
      }
      if (this.skip('operator', '*')) args.list = this.expression();
      else if (this.skip('operator', '**')) args.dict = this.expression();
      else if (this.is('name') && this.is('operator', '=', 1)) {
        const name = this.next().value;
        this.next();
        args.named.push([name, this.expression()]);
      } else args.positional.push(this.expression());
    }
    return args;
  }

  #filters(start: Expression): Expression {
    let value = start;
    for (;;) {
      if (this.skip('operator', '|')) value = this.filter(value);
      else if (this.skip('name', 'is')) value = this.#test(value);
      else if (this.is('operator', '(')) value = { kind: 'call', callee: value, args: this.arguments() };
      else return value;
    }
  }

  /** One filter behind its bar, and in a filter block those that follow it. */
  filter(value: Expression | null): Expression {
    const name = this.#dotted();
    const args = this.is('operator', '(') ? this.arguments() : noArguments();
    return { kind: 'filter', value, name, args };
  }

  filterChain(): Expression {
    let filter = this.filter(null);
    while (this.skip('operator', '|')) filter = this.filter(filter);
    return filter;
  }

  #dotted(): string {
    let name = this.expect('name').value;
    while (this.skip('operator', '.')) name += `.${this.expect('name').value}`;
    return name;
  }

  #test(value: Expression): Expression {
    const negated = this.skip('name', 'not');
    const name = this.#dotted();
    let args = noArguments();
    if (this.is('operator', '(')) args = this.arguments();
    else if (this.#startsArgument()) args.positional = [this.#postfix(this.#primary())];
    const test: Expression = { kind: 'test', value, name, args };
    return negated ? { kind: 'unary', operator: 'not', value: test } : test;
  }

  #startsArgument(): boolean {
    const { token } = this;
    if (token === undefined) return false;
    if (token.type === 'operator') return token.value === '[' || token.value === '{';
    if (token.type === 'name') return !AFTER_TEST.has(token.value);
    return token.type === 'string' || token.type === 'integer' || token.type === 'float';
  }
}
