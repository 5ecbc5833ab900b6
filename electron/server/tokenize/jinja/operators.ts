/** Operators, subscripts and slices, as Python has them. */
import { percentFormat } from './format.ts';
import {
  characters,
  compare,
  contains,
  EndlessError,
  equals,
  escapeHtml,
  fail,
  floatOf,
  isDict,
  isFloat,
  isList,
  Markup,
  numberOf,
  plain,
  TemplateError,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

/** Longest text or list that multiplying may make, as many as fit a chat many times over. */
const MAX_REPEATED = 10_000_000;

function repeat(value: string | Value[], count: number): Value {
  const times = Math.max(0, count);
  if (value.length * times > MAX_REPEATED) throw new EndlessError('a text or list is repeated too often');
  if (typeof value === 'string') return value.repeat(times);
  const items = Array.from({ length: times }, () => value).flat() as Value[];
  return value instanceof Tuple ? Tuple.from(items) : items;
}

function arithmetic(operator: string, a: number, b: number, float: boolean): Value {
  const make = (value: number): Value => (float ? floatOf(value) : value);
  if (b === 0 && ['/', '//', '%'].includes(operator)) throw new TemplateError('division by zero');
  switch (operator) {
    case '+':
      return make(a + b);
    case '-':
      return make(a - b);
    case '*':
      return make(a * b);
    case '/':
      return floatOf(a / b);
    case '//':
      return make(Math.floor(a / b));
    case '%':
      return make(a - Math.floor(a / b) * b);
    default:
      return float || b < 0 ? floatOf(a ** b) : a ** b;
  }
}

export function binary(operator: string, left: Value, right: Value): Value {
  if (left instanceof Undefined) return fail(left);
  if (operator === '%' && typeof left === 'string') return percentFormat(left, right);
  if (right instanceof Undefined) return fail(right);
  if (operator === '+' && (left instanceof Markup || right instanceof Markup))
    return new Markup(escapeHtml(left) + escapeHtml(right));
  const a = numberOf(left);
  const b = numberOf(right);
  if (a !== null && b !== null) return arithmetic(operator, a, b, isFloat(left) || isFloat(right));
  if (operator === '+') {
    if (typeof left === 'string' && typeof right === 'string') {
      if (left.length + right.length > MAX_REPEATED * 6) throw new EndlessError('a text becomes too long');
      return left + right;
    }
    if (isList(left) && isList(right) && left instanceof Tuple === right instanceof Tuple)
      return left instanceof Tuple ? Tuple.from([...left, ...right]) : [...left, ...right];
  }
  if (operator === '*') {
    if ((typeof left === 'string' || isList(left)) && b !== null) return repeat(left, b);
    if ((typeof right === 'string' || isList(right)) && a !== null) return repeat(right, a);
  }
  throw new TemplateError(
    `unsupported operand type(s) for ${operator}: '${typeName(left)}' and '${typeName(right)}'`,
  );
}

export function compareBy(operator: string, first: Value, second: Value): boolean {
  const left = plain(first);
  const right = plain(second);
  switch (operator) {
    case '==':
      return equals(left, right);
    case '!=':
      return !equals(left, right);
    case 'in':
      return contains(right, left);
    case 'not in':
      return !contains(right, left);
    case '<':
      return compare(left, right, operator) < 0;
    case '<=':
      return compare(left, right, operator) <= 0;
    case '>':
      return compare(left, right, operator) > 0;
    default:
      return compare(left, right, operator) >= 0;
  }
}

/** The element of a list, tuple, text or dict; undefined when there is none. */
export function element(object: Value, key: Value): Value | undefined {
  if (isDict(object)) return object.get(key instanceof Undefined ? null : key);
  const at = typeof key === 'boolean' ? Number(key) : key;
  if (typeof at !== 'number' || !Number.isInteger(at)) return undefined;
  if (isList(object)) return object.at(at);
  const text = plain(object);
  return typeof text === 'string' ? characters(text).at(at) : undefined;
}

export function slice(sliced: Value, parts: readonly Value[]): Value {
  const object = plain(sliced);
  if (object instanceof Undefined) return fail(object);
  const [from, to, by] = parts.map((part) => {
    if (part === null || part === undefined) return null;
    if (typeof part === 'number' || typeof part === 'boolean') return Number(part);
    throw new TemplateError('slice indices must be integers or None or have an __index__ method');
  });
  const items = typeof object === 'string' ? characters(object) : isList(object) ? object : null;
  if (items === null) return new Undefined(`'${typeName(object)}' object is not subscriptable`);
  const step = by ?? 1;
  if (step === 0) throw new TemplateError('slice step cannot be zero');
  const clamp = (at: number, low: number, high: number) =>
    Math.min(Math.max(at < 0 ? at + items.length : at, low), high);
  const [low, high] = step > 0 ? [0, items.length] : [-1, items.length - 1];
  const start = from === null || from === undefined ? (step > 0 ? low : high) : clamp(from, low, high);
  const stop = to === null || to === undefined ? (step > 0 ? high : low) : clamp(to, low, high);
  const taken: Value[] = [];
  for (let at = start; step > 0 ? at < stop : at > stop; at += step) taken.push(items[at] as Value);
  if (typeof object === 'string') return taken.join('');
  return object instanceof Tuple ? Tuple.from(taken) : taken;
}
