/** The values of a template, with the meaning they have in Python: truth, equality, order, length, text. */
import { PY_SPACE } from './lexer.ts';

export class TemplateError extends Error {}

/** Work or text without end: a fault of the template, whatever the conversation. */
export class EndlessError extends TemplateError {}

/** A name that stands for nothing. Printing it gives no text; using it is an error that names it. */
export class Undefined {
  readonly what: string;
  constructor(what: string) {
    this.what = what;
  }
}

/** A float whose value is whole; any other number that is not whole is a float as it is. */
export class Float {
  readonly value: number;
  constructor(value: number) {
    this.value = value;
  }
}

export class Tuple extends Array<Value> {}

/** What a filter gives that Python computes lazily: true, without a length, walked once from start to end. */
export class Generator {
  readonly items: Value[];
  constructor(items: Value[]) {
    this.items = items;
  }
}

export class Namespace {
  readonly attributes = new Map<string, Value>();
}

/** A thing with attributes and no other use: the `loop` of a for block. */
export class Attributes {
  readonly get: (name: string) => Value | undefined;
  constructor(get: (name: string) => Value | undefined) {
    this.get = get;
  }
}

/** Text that the filters `safe` and `escape` made: what is joined to it gets its HTML escaped, as Python's markupsafe does. */
export class Markup {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

export type Named = ReadonlyMap<string, Value>;
export type Callable = (args: Value[], named: Named) => Value;

export type Value =
  | null
  | boolean
  | number
  | string
  | Float
  | Undefined
  | Value[]
  | Map<Value, Value>
  | Generator
  | Namespace
  | Attributes
  | Markup
  | Callable;

const HTML: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&#39;',
  '"': '&#34;',
};
/** Text with HTML escaped; Markup is left as it is. */
export const escapeHtml = (value: Value): string =>
  value instanceof Markup
    ? value.text
    : str(value).replace(/[&<>'"]/g, (character) => HTML[character] as string);
export const plain = (value: Value): Value => (value instanceof Markup ? value.text : value);

export const isDict = (value: Value): value is Map<Value, Value> => value instanceof Map;
export const isList = (value: Value): value is Value[] => Array.isArray(value);
export const isUndefined = (value: Value): value is Undefined => value instanceof Undefined;
export const isFloat = (value: Value): boolean =>
  value instanceof Float || (typeof value === 'number' && !Number.isInteger(value));

/** The number a value is; booleans are 0 and 1 as in Python; null: none. */
export function numberOf(value: Value): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return Number(value);
  return value instanceof Float ? value.value : null;
}

export const floatOf = (value: number): Value => (Number.isInteger(value) ? new Float(value) : value);

export function typeName(value: Value): string {
  if (value === null) return 'NoneType';
  if (typeof value === 'boolean') return 'bool';
  if (typeof value === 'string') return 'str';
  if (value instanceof Markup) return 'Markup';
  if (isFloat(value)) return 'float';
  if (typeof value === 'number') return 'int';
  if (value instanceof Undefined) return 'Undefined';
  if (value instanceof Tuple) return 'tuple';
  if (isList(value)) return 'list';
  if (isDict(value)) return 'dict';
  if (value instanceof Namespace) return 'Namespace';
  return value instanceof Generator ? 'generator' : 'function';
}

export function fail(value: Undefined): never {
  throw new TemplateError(value.what);
}

export function truthy(value: Value): boolean {
  if (value === null || value instanceof Undefined) return false;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'string') return value !== '';
  if (value instanceof Markup) return value.text !== '';
  const number = numberOf(value);
  if (number !== null) return number !== 0;
  if (isList(value)) return value.length > 0;
  return isDict(value) ? value.size > 0 : true;
}

export function equals(a: Value, b: Value): boolean {
  if (a === b) return true;
  const left = numberOf(a);
  if (left !== null) return left === numberOf(b);
  if (isList(a) && isList(b))
    return (
      a.length === b.length &&
      a instanceof Tuple === b instanceof Tuple &&
      a.every((x, k) => equals(x, b[k] as Value))
    );
  if (isDict(a) && isDict(b))
    return a.size === b.size && [...a].every(([key, x]) => b.has(key) && equals(x, b.get(key) as Value));
  return a instanceof Undefined && b instanceof Undefined;
}

/** Order of code points: JavaScript's own is that of UTF-16 units. */
function compareText(a: string, b: string): number {
  const left = [...a];
  const right = [...b];
  for (let k = 0; k < Math.min(left.length, right.length); k += 1) {
    const difference = (left[k]?.codePointAt(0) ?? 0) - (right[k]?.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Below 0: a comes first. Throws TemplateError for values that Python does not order. */
export function compare(a: Value, b: Value, operator = '<'): number {
  if (a instanceof Undefined) return fail(a);
  if (b instanceof Undefined) return fail(b);
  const left = numberOf(a);
  const right = numberOf(b);
  if (left !== null && right !== null) return left - right;
  if (typeof a === 'string' && typeof b === 'string') return compareText(a, b);
  if (isList(a) && isList(b)) {
    for (let k = 0; k < Math.min(a.length, b.length); k += 1)
      if (!equals(a[k] as Value, b[k] as Value)) return compare(a[k] as Value, b[k] as Value, operator);
    return a.length - b.length;
  }
  throw new TemplateError(
    `'${operator}' not supported between instances of '${typeName(a)}' and '${typeName(b)}'`,
  );
}

const WIDE = /[\ud800-\udfff]/;
/** Characters as Python counts them: code points. */
export const characters = (text: string): string[] => (WIDE.test(text) ? [...text] : text.split(''));
export const textLength = (text: string): number => (WIDE.test(text) ? [...text].length : text.length);

export function lengthOf(value: Value): number {
  if (typeof value === 'string') return textLength(value);
  if (isList(value)) return value.length;
  if (isDict(value)) return value.size;
  if (value instanceof Undefined) return 0;
  throw new TemplateError(`object of type '${typeName(value)}' has no len()`);
}

/** What a for loop walks over. */
export function iterate(value: Value): Value[] {
  if (isList(value)) return value;
  if (value instanceof Generator) return value.items;
  if (isDict(value)) return [...value.keys()];
  if (typeof value === 'string') return characters(value);
  if (value instanceof Undefined) return [];
  throw new TemplateError(`'${typeName(value)}' object is not iterable`);
}

export function contains(list: Value, item: Value): boolean {
  if (typeof list === 'string') {
    if (typeof item === 'string') return list.includes(item);
    if (item instanceof Undefined) return fail(item);
    throw new TemplateError(`'in <string>' requires string as left operand, not ${typeName(item)}`);
  }
  if (isDict(list)) return list.has(item);
  return iterate(list).some((one) => equals(one, item));
}

/** `repr` of a float: Python turns to exponents at 1e16 and below 1e-4. */
function floatText(value: number): string {
  if (Number.isNaN(value)) return 'nan';
  if (!Number.isFinite(value)) return value > 0 ? 'inf' : '-inf';
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e16 || size < 1e-4)) {
    const [digits = '', exponent = ''] = value.toExponential().split('e');
    const number = Number(exponent);
    return `${digits}e${number < 0 ? '-' : '+'}${String(Math.abs(number)).padStart(2, '0')}`;
  }
  const text = Object.is(value, -0) ? '-0' : String(value);
  return text.includes('.') ? text : `${text}.0`;
}

const NAMED_ESCAPES: Readonly<Record<string, string>> = {
  '\n': '\\n',
  '\t': '\\t',
  '\r': '\\r',
  '\\': '\\\\',
};

function quoted(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const body = text.replace(/[\\\p{C}\p{Zl}\p{Zp}\p{Zs}'"]/gu, (character) => {
    const named = NAMED_ESCAPES[character];
    if (named !== undefined) return named;
    if (character === quote) return `\\${quote}`;
    if (character === ' ' || character === "'" || character === '"') return character;
    const code = character.codePointAt(0) as number;
    if (code < 0x100) return `\\x${code.toString(16).padStart(2, '0')}`;
    return code < 0x10000
      ? `\\u${code.toString(16).padStart(4, '0')}`
      : `\\U${code.toString(16).padStart(8, '0')}`;
  });
  return `${quote}${body}${quote}`;
}

export function repr(value: Value): string {
  if (typeof value === 'string') return quoted(value);
  if (value instanceof Tuple) return `(${value.map(repr).join(', ')}${value.length === 1 ? ',' : ''})`;
  if (isList(value)) return `[${value.map(repr).join(', ')}]`;
  if (isDict(value)) return `{${[...value].map(([key, one]) => `${repr(key)}: ${repr(one)}`).join(', ')}}`;
  if (value instanceof Undefined) return 'Undefined';
  return str(value);
}

/** Text of a value, as `{{ value }}` writes it. */
export function str(value: Value): string {
  if (typeof value === 'string') return value;
  if (value instanceof Markup) return value.text;
  if (value === null) return 'None';
  if (typeof value === 'boolean') return value ? 'True' : 'False';
  if (isFloat(value)) return floatText(numberOf(value) as number);
  if (typeof value === 'number') return String(value);
  if (value instanceof Undefined) return '';
  if (isList(value) || isDict(value)) return repr(value);
  return `<${typeName(value)}>`;
}

/** JSON values as values of a template. Keys of objects keep their order. */
export function fromJson(value: unknown): Value {
  if (Array.isArray(value)) return value.map(fromJson);
  if (typeof value === 'object' && value !== null)
    return new Map(Object.entries(value).map(([key, one]) => [key as Value, fromJson(one)]));
  return (value ?? null) as Value;
}

const start = new RegExp(`^[${PY_SPACE}]+`, 'u');
const end = new RegExp(`[${PY_SPACE}]+$`, 'u');

/** `str.strip` and its one-sided kin; `set`: which characters, left out: white space. */
export function strip(text: string, side: 'both' | 'left' | 'right', set: string | null = null): string {
  let result = text;
  if (set === null) {
    if (side !== 'right') result = result.replace(start, '');
    return side === 'left' ? result : result.replace(end, '');
  }
  const unwanted = new Set(characters(set));
  const list = characters(result);
  let from = 0;
  let to = list.length;
  if (side !== 'right') while (from < to && unwanted.has(list[from] as string)) from += 1;
  if (side !== 'left') while (to > from && unwanted.has(list[to - 1] as string)) to -= 1;
  return list.slice(from, to).join('');
}
