/** Tokens -> tree: blocks and text. */
import type { Expression, Parameter, Statement, Target } from './ast.ts';
import { TemplateSyntaxError, tokenize } from './lexer.ts';
import { ExpressionParser } from './parser.ts';

type Rule = (parser: StatementParser, line: number) => Statement;

class StatementParser extends ExpressionParser {
  /** Statements up to a block whose name is one of `ends`; null: up to the end of the template. Its name is taken. */
  body(ends: readonly string[] | null): { body: Statement[]; end: string } {
    const body: Statement[] = [];
    while (this.token !== undefined) {
      const { line } = this.token;
      if (this.is('text')) body.push({ kind: 'text', text: this.next().value });
      else if (this.skip('print_begin')) {
        body.push({ kind: 'print', value: this.tuple() });
        this.expect('print_end');
      } else {
        this.expect('block_begin');
        const name = this.expect('name').value;
        if (ends?.includes(name)) return { body, end: name };
        const rule = RULES[name];
        if (rule === undefined)
          throw new TemplateSyntaxError(
            `There is no statement "${name}" for chat templates, in line ${line}`,
          );
        body.push(rule(this, line));
        this.expect('block_end');
      }
    }
    if (ends !== null) this.fail(`{% ${ends.join(' %} or {% ')} %}`);
    return { body, end: '' };
  }

  /** A body behind the end of its opening tag, up to `{% end %}`; the closing mark is the caller's. */
  block(end: string): Statement[] {
    this.expect('block_end');
    return this.body([end]).body;
  }

  target(): Target {
    const items = [this.#single()];
    let comma = false;
    while (this.skip('operator', ',')) {
      comma = true;
      if (!this.is('name') && !this.is('operator', '(')) break;
      if (this.is('name', 'in')) break;
      items.push(this.#single());
    }
    return comma ? { kind: 'tuple', items } : (items[0] as Target);
  }

  #single(): Target {
    if (this.skip('operator', '(')) {
      const inner = this.target();
      this.expect('operator', ')');
      return inner;
    }
    const { value: name } = this.expect('name');
    if (!this.skip('operator', '.')) return { kind: 'name', name };
    return { kind: 'namespace', name, attribute: this.expect('name').value };
  }

  parameters(): Parameter[] {
    const parameters: Parameter[] = [];
    this.expect('operator', '(');
    while (!this.skip('operator', ')')) {
      if (parameters.length > 0) {
        this.expect('operator', ',');
        if (this.skip('operator', ')')) break;
      }
      const { value: name } = this.expect('name');
      parameters.push({ name, fallback: this.skip('operator', '=') ? this.expression() : null });
    }
    return parameters;
  }
}

function parseIf(parser: StatementParser): Statement {
  const branches: { test: Expression; body: Statement[] }[] = [];
  let otherwise: Statement[] = [];
  for (let end = 'elif'; end === 'elif'; ) {
    const test = parser.tuple(false);
    parser.expect('block_end');
    const part = parser.body(['elif', 'else', 'endif']);
    branches.push({ test, body: part.body });
    end = part.end;
    if (end === 'else') otherwise = parser.block('endif');
  }
  return { kind: 'if', branches, otherwise };
}

function parseFor(parser: StatementParser): Statement {
  const target = parser.target();
  parser.expect('name', 'in');
  const list = parser.tuple(false, () => parser.is('name', 'recursive'));
  const test = parser.skip('name', 'if') ? parser.expression() : null;
  if (parser.is('name', 'recursive'))
    throw new TemplateSyntaxError('Recursive loops are not supported in chat templates');
  parser.expect('block_end');
  const { body, end } = parser.body(['else', 'endfor']);
  const otherwise = end === 'else' ? parser.block('endfor') : [];
  return { kind: 'for', target, list, test, body, otherwise };
}

function parseSet(parser: StatementParser): Statement {
  const target = parser.target();
  if (parser.skip('operator', '=')) return { kind: 'set', target, value: parser.tuple() };
  const filter = parser.skip('operator', '|') ? parser.filterChain() : null;
  return { kind: 'capture', target, filter, body: parser.block('endset') };
}

function parseWith(parser: StatementParser): Statement {
  const values: [Target, Expression][] = [];
  while (!parser.is('block_end')) {
    if (values.length > 0) parser.expect('operator', ',');
    const { value: name } = parser.expect('name');
    parser.expect('operator', '=');
    values.push([{ kind: 'name', name }, parser.expression()]);
  }
  return { kind: 'with', values, body: parser.block('endwith') };
}

function parseCall(parser: StatementParser): Statement {
  const parameters = parser.is('operator', '(') ? parser.parameters() : [];
  const call = parser.expression();
  if (call.kind !== 'call') parser.fail('a call of a macro');
  return { kind: 'callBlock', call, parameters, body: parser.block('endcall') };
}

const RULES: Readonly<Record<string, Rule>> = {
  if: parseIf,
  for: parseFor,
  set: parseSet,
  with: parseWith,
  call: parseCall,
  macro: (parser) => {
    const { value: name } = parser.expect('name');
    const parameters = parser.parameters();
    return { kind: 'macro', name, parameters, body: parser.block('endmacro') };
  },
  filter: (parser) => {
    const filter = parser.filterChain();
    return { kind: 'filterBlock', filter, body: parser.block('endfilter') };
  },
  // The mark of transformers around what the assistant says: a call block, so a scope of its own.
  generation: (parser) => ({ kind: 'scope', body: parser.block('endgeneration') }),
  break: () => ({ kind: 'break' }),
  continue: () => ({ kind: 'continue' }),
};

/** The tree of a template. Throws TemplateSyntaxError. */
export const parse = (source: string): Statement[] => new StatementParser(tokenize(source)).body(null).body;
