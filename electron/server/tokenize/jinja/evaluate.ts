/** Walks the tree of a template and writes its text. Scopes follow jinja2: for, macro, call and filter blocks have their own, if has none. */
import type { Arguments, Expression, Parameter, Statement, Target } from './ast.ts';
import { filter } from './filters.ts';
import { method, noSuch } from './methods.ts';
import { binary, compareBy, element, slice } from './operators.ts';
import { loopOf, MAX_TEXT, Output, Scope } from './scope.ts';
import { test } from './tests.ts';
import {
  Attributes,
  type Callable,
  EndlessError,
  fail,
  floatOf,
  isDict,
  isFloat,
  iterate,
  type Named,
  Namespace,
  numberOf,
  plain,
  str,
  TemplateError,
  Tuple,
  truthy,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

const NOTHING: Named = new Map();

/** Texts that are to become one. */
function bounded(texts: readonly string[]): readonly string[] {
  if (texts.reduce((sum, { length }) => sum + length, 0) <= MAX_TEXT) return texts;
  throw new EndlessError(`it makes a text of more than ${MAX_TEXT} characters`);
}

type Signal = 'break' | 'continue' | undefined;

/** Told of every turn of a for block that writes to the template's own output: the item and where its text is. */
export type Trace = (item: Value, start: number, end: number) => void;

export class Evaluator {
  readonly #root: Output;
  readonly #trace: Trace | null;
  /** Statements and items that are left. Counted, not timed: a template ends at the same place on every machine. */
  #left: number;

  constructor(root: Output, trace: Trace | null, most: number) {
    this.#root = root;
    this.#trace = trace;
    this.#left = most;
  }

  #step(): void {
    this.#left -= 1;
    if (this.#left < 0) throw new EndlessError('it takes too many steps; does it come to an end?');
  }

  run(body: readonly Statement[], scope: Scope, out: Output): Signal {
    for (const statement of body) {
      const signal = this.#execute(statement, scope, out);
      if (signal !== undefined) return signal;
    }
    return undefined;
  }

  #capture(body: readonly Statement[], scope: Scope): string {
    const out = new Output();
    this.run(body, scope, out);
    return out.toString();
  }

  #execute(statement: Statement, scope: Scope, out: Output): Signal {
    this.#step();
    switch (statement.kind) {
      case 'text':
        out.write(statement.text);
        return undefined;
      case 'print':
        out.write(str(this.value(statement.value, scope)));
        return undefined;
      case 'if': {
        const taken = statement.branches.find((branch) => truthy(this.value(branch.test, scope)));
        return this.run(taken?.body ?? statement.otherwise, scope, out);
      }
      case 'for':
        return this.#for(statement, scope, out);
      case 'set':
        this.#assign(statement.target, this.value(statement.value, scope), scope);
        return undefined;
      case 'capture': {
        const text = this.#capture(statement.body, new Scope(scope));
        const value = statement.filter === null ? text : this.#filtered(statement.filter, text, scope);
        this.#assign(statement.target, value, scope);
        return undefined;
      }
      case 'macro':
        scope.set(statement.name, this.#macro(statement.name, statement.parameters, statement.body, scope));
        return undefined;
      case 'callBlock':
        out.write(str(this.#callBlock(statement, scope)));
        return undefined;
      case 'filterBlock':
        out.write(
          str(this.#filtered(statement.filter, this.#capture(statement.body, new Scope(scope)), scope)),
        );
        return undefined;
      case 'with': {
        const inner = new Scope(scope);
        for (const [target, value] of statement.values) this.#assign(target, this.value(value, scope), inner);
        return this.run(statement.body, inner, out);
      }
      case 'scope':
        return this.run(statement.body, new Scope(scope), out);
      default:
        return statement.kind;
    }
  }

  #for(statement: Extract<Statement, { kind: 'for' }>, scope: Scope, out: Output): Signal {
    let items = iterate(this.value(statement.list, scope));
    if (statement.test !== null) {
      const { test: wanted } = statement;
      items = items.filter((item) => {
        this.#step();
        const inner = new Scope(scope);
        this.#assign(statement.target, item, inner);
        return truthy(this.value(wanted, inner));
      });
    }
    if (items.length === 0) return this.run(statement.otherwise, new Scope(scope), out);
    const state = { last: undefined as Value | undefined };
    for (const [index, item] of items.entries()) {
      this.#step();
      const inner = new Scope(scope, [['loop', loopOf(items, index, state)]]);
      this.#assign(statement.target, item, inner);
      const start = out.length;
      const signal = this.run(statement.body, inner, out);
      if (out === this.#root) this.#trace?.(item, start, out.length);
      if (signal === 'break') break;
    }
    return undefined;
  }

  #assign(target: Target, value: Value, scope: Scope): void {
    if (target.kind === 'name') scope.set(target.name, value);
    else if (target.kind === 'namespace') {
      const space = scope.get(target.name);
      if (!(space instanceof Namespace))
        throw new TemplateError('cannot assign attribute on non-namespace object');
      space.attributes.set(target.attribute, value);
    } else {
      const items = iterate(value);
      if (items.length !== target.items.length)
        throw new TemplateError(`expected ${target.items.length} values to unpack, got ${items.length}`);
      for (const [k, one] of target.items.entries()) this.#assign(one, items[k] as Value, scope);
    }
  }

  #macro(name: string, parameters: readonly Parameter[], body: readonly Statement[], scope: Scope): Callable {
    const known = new Set(parameters.map((parameter) => parameter.name));
    return (args, named) => {
      const inner = new Scope(scope);
      for (const [k, parameter] of parameters.entries()) {
        const given = k < args.length ? args[k] : named.get(parameter.name);
        const missing = new Undefined(`parameter '${parameter.name}' was not provided`);
        inner.set(
          parameter.name,
          given ??
            (given === null ? null : parameter.fallback ? this.value(parameter.fallback, inner) : missing),
        );
      }
      inner.set('varargs', Tuple.from(args.slice(parameters.length)));
      const other = [...named].filter(([key]) => !known.has(key) && key !== 'caller');
      inner.set('kwargs', new Map<Value, Value>(other));
      inner.set('caller', named.get('caller') ?? new Undefined(`'caller' is undefined in macro '${name}'`));
      return this.#capture(body, inner);
    };
  }

  #callBlock(statement: Extract<Statement, { kind: 'callBlock' }>, scope: Scope): Value {
    const { call } = statement;
    if (call.kind !== 'call') throw new TemplateError('a call block needs a call');
    const caller = this.#macro('caller', statement.parameters, statement.body, scope);
    const [args, named] = this.#arguments(call.args, scope);
    return this.#call(this.value(call.callee, scope), args, new Map([...named, ['caller', caller]]));
  }

  #arguments(args: Arguments, scope: Scope): [Value[], Named] {
    const positional = args.positional.map((one) => this.value(one, scope));
    if (args.list) positional.push(...iterate(this.value(args.list, scope)));
    if (args.named.length === 0 && args.dict === null) return [positional, NOTHING];
    const named = new Map(args.named.map(([name, one]) => [name, this.value(one, scope)]));
    const dict = args.dict === null ? null : this.value(args.dict, scope);
    if (dict !== null && isDict(dict)) for (const [key, one] of dict) named.set(str(key), one);
    return [positional, named];
  }

  #call(callee: Value, args: Value[], named: Named): Value {
    if (callee instanceof Undefined) return fail(callee);
    if (typeof callee !== 'function') throw new TemplateError(`'${typeName(callee)}' object is not callable`);
    return callee(args, named);
  }

  readonly #tools = {
    filter: (name: string, value: Value, args: readonly Value[], named: Named) =>
      filter(name, value, args, named, this.#tools),
    test,
    item: (object: Value, key: Value) => this.#item(object, key),
  };

  /** @param input of a filter block; an expression brings its own. */
  #filtered(expression: Expression, input: string | null, scope: Scope): Value {
    if (expression.kind !== 'filter') return this.value(expression, scope);
    const { value: inner, name } = expression;
    const value = inner === null ? (input ?? '') : this.#filtered(inner, input, scope);
    const [args, named] = this.#arguments(expression.args, scope);
    return filter(name, value, args, named, this.#tools);
  }

  /** `object.name`: what a value can do comes before what it holds. */
  #attribute(object: Value, name: string): Value {
    if (object instanceof Undefined) return fail(object);
    if (object instanceof Namespace)
      return object.attributes.get(name) ?? (object.attributes.has(name) ? null : noSuch(object, name));
    if (object instanceof Attributes) return object.get(name) ?? noSuch(object, name);
    return (
      method(plain(object), name, this.#pick) ??
      element(object, name) ??
      (isDict(object) && object.has(name) ? null : noSuch(object, name))
    );
  }

  /** `object[key]`: what a value holds comes first. */
  #item(object: Value, key: Value): Value {
    if (object instanceof Undefined) return fail(object);
    const found = element(object, key);
    if (found !== undefined) return found;
    if (typeof key !== 'string')
      return new Undefined(`'${typeName(object)} object' has no element ${str(key)}`);
    return this.#attribute(object, key);
  }

  readonly #pick = (object: Value, key: string | number, attribute: boolean): Value =>
    attribute ? this.#attribute(object, String(key)) : this.#item(object, key);

  value(node: Expression, scope: Scope): Value {
    switch (node.kind) {
      case 'const':
        return node.value;
      case 'float':
        return floatOf(node.value);
      case 'name':
        return scope.get(node.name);
      case 'attribute':
        return this.#attribute(this.value(node.object, scope), node.name);
      case 'item':
        return this.#item(this.value(node.object, scope), this.value(node.key, scope));
      case 'slice':
        return slice(
          this.value(node.object, scope),
          node.parts.map((part) => (part === null ? null : this.value(part, scope))),
        );
      case 'call': {
        const callee = this.value(node.callee, scope);
        const [args, named] = this.#arguments(node.args, scope);
        return this.#call(callee, args, named);
      }
      case 'filter':
        return this.#filtered(node, null, scope);
      case 'test': {
        const value = this.value(node.value, scope);
        return test(node.name, value, this.#arguments(node.args, scope)[0]);
      }
      case 'list':
        return node.items.map((one) => this.value(one, scope));
      case 'tuple':
        return Tuple.from(node.items.map((one) => this.value(one, scope)));
      case 'dict':
        return new Map(node.entries.map(([key, one]) => [this.value(key, scope), this.value(one, scope)]));
      default:
        return this.#operator(node, scope);
    }
  }

  #operator(node: Expression, scope: Scope): Value {
    switch (node.kind) {
      case 'logic': {
        const left = this.value(node.left, scope);
        return truthy(left) === (node.operator === 'or') ? left : this.value(node.right, scope);
      }
      case 'compare': {
        let left = this.value(node.first, scope);
        for (const { operator, value } of node.rest) {
          const right = this.value(value, scope);
          if (!compareBy(operator, left, right)) return false;
          left = right;
        }
        return true;
      }
      case 'binary':
        return binary(node.operator, this.value(node.left, scope), this.value(node.right, scope));
      case 'concat':
        return bounded(node.items.map((one) => str(this.value(one, scope)))).join('');
      case 'condition':
        if (truthy(this.value(node.test, scope))) return this.value(node.then, scope);
        return node.otherwise === null
          ? new Undefined('the inline if-expression evaluated to false and no else section was defined.')
          : this.value(node.otherwise, scope);
      case 'unary':
        return unary(node.operator, this.value(node.value, scope));
      default:
        throw new TemplateError(`${node.kind} is no expression`);
    }
  }
}

function unary(operator: 'not' | '-' | '+', value: Value): Value {
  if (operator === 'not') return !truthy(value);
  if (value instanceof Undefined) return fail(value);
  const number = numberOf(value);
  if (number === null)
    throw new TemplateError(`bad operand type for unary ${operator}: '${typeName(value)}'`);
  const result = operator === '-' ? -number : number;
  return isFloat(value) ? floatOf(result) : result;
}
