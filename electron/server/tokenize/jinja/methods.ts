/** Methods of texts, lists and dicts. What would change a value is refused, as transformers' sandbox does. */
import { strFormat } from './format.ts';
import { PY_SPACE } from './lexer.ts';
import {
  type Callable,
  characters,
  equals,
  isDict,
  isList,
  iterate,
  type Named,
  str,
  strip,
  TemplateError,
  Tuple,
  textLength,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

type Pick = (object: Value, key: string | number, attribute: boolean) => Value;
type TextMethod = (text: string, args: Value[], named: Named, pick: Pick) => Value;

const anySpace = new RegExp(`[${PY_SPACE}]+`, 'gu');

function textOf(value: Value | undefined, what: string): string {
  if (typeof value === 'string') return value;
  throw new TemplateError(
    `${what}: a str is required, not ${value === undefined ? 'nothing' : typeName(value)}`,
  );
}

const optionalText = (value: Value | undefined, what: string): string | null =>
  value === undefined || value === null ? null : textOf(value, what);

const integer = (value: Value | undefined, otherwise: number): number =>
  typeof value === 'number' || typeof value === 'boolean' ? Number(value) : otherwise;

/** `str.split` without a separator: at runs of white space, none at the ends. */
function splitSpace(text: string, most: number, fromRight: boolean): string[] {
  const words = strip(text, 'both')
    .split(anySpace)
    .filter((word) => word !== '');
  if (most < 0 || words.length <= most + 1) return words;
  if (fromRight) {
    const kept = words.slice(words.length - most);
    let rest = strip(text, 'right');
    for (const word of kept.toReversed()) rest = strip(rest.slice(0, rest.length - word.length), 'right');
    return [rest, ...kept].filter((part, k) => k > 0 || part !== '');
  }
  let rest = strip(text, 'left');
  const kept = words.slice(0, most);
  for (const word of kept) rest = strip(rest.slice(word.length), 'left');
  return rest === '' ? kept : [...kept, rest];
}

function split(text: string, args: Value[], named: Named, fromRight: boolean): Value {
  const separator = optionalText(args[0] ?? named.get('sep'), 'split');
  const most = integer(args[1] ?? named.get('maxsplit'), -1);
  if (separator === null) return splitSpace(text, most, fromRight);
  if (separator === '') throw new TemplateError('empty separator');
  const parts = text.split(separator);
  if (most < 0 || parts.length <= most + 1) return parts;
  if (fromRight) {
    const at = parts.length - most;
    return [parts.slice(0, at).join(separator), ...parts.slice(at)];
  }
  return [...parts.slice(0, most), parts.slice(most).join(separator)];
}

export function replaceText(text: string, from: string, to: string, most: number): string {
  const parts = from === '' ? ['', ...characters(text), ''] : text.split(from);
  if (most < 0 || parts.length <= most + 1) return parts.join(to);
  return parts.slice(0, most + 1).join(to) + from + parts.slice(most + 1).join(from);
}

const BREAK = '\\r\\n|[\\n\\r\\v\\f\\x1c-\\x1e\\x85\\u2028\\u2029]';
const lineBreak = new RegExp(`(${BREAK})`, 'u');

/** `str.splitlines`: a break at the end begins no further line. */
function splitLines(text: string, keep: boolean): string[] {
  const parts = text.split(lineBreak);
  const lines: string[] = [];
  for (let k = 0; k < parts.length; k += 2)
    lines.push((parts[k] as string) + (keep ? (parts[k + 1] ?? '') : ''));
  if (parts.at(-1) === '') lines.pop();
  return lines;
}

function affix(text: string, args: Value[], test: (text: string, affix: string) => boolean): boolean {
  const [wanted, from, to] = args;
  const part =
    from === undefined && to === undefined
      ? text
      : characters(text)
          .slice(integer(from, 0), to === undefined ? undefined : integer(to, 0))
          .join('');
  const list = wanted instanceof Tuple ? [...wanted] : [wanted];
  return list.some((one) => test(part, textOf(one, 'startswith')));
}

/** Position in code points. */
function find(text: string, args: Value[], last: boolean): number {
  const wanted = textOf(args[0], 'find');
  const from = integer(args[1], 0);
  const list = characters(text);
  const start = from < 0 ? Math.max(0, list.length + from) : from;
  const end = args[2] === undefined ? list.length : integer(args[2], list.length);
  const part = list.slice(start, end < 0 ? list.length + end : end).join('');
  const at = last ? part.lastIndexOf(wanted) : part.indexOf(wanted);
  return at < 0 ? -1 : start + textLength(part.slice(0, at));
}

function padded(text: string, args: Value[], side: 'left' | 'right' | 'both'): string {
  const missing = integer(args[0], 0) - textLength(text);
  if (missing <= 0) return text;
  const fill = optionalText(args[1], 'pad') ?? ' ';
  const left =
    side === 'right'
      ? 0
      : side === 'left'
        ? missing
        : Math.floor(missing / 2 + (missing & integer(args[0], 0) & 1));
  return fill.repeat(left) + text + fill.repeat(missing - left);
}

export const capitalize = (text: string): string => {
  const [first = '', ...rest] = characters(text);
  return first.toUpperCase() + rest.join('').toLowerCase();
};

const cased = (text: string) => text.toLowerCase() !== text.toUpperCase();
const title = (text: string): string => text.replace(/\p{L}+/gu, (word) => capitalize(word));

function index(text: string, args: Value[], last: boolean): number {
  const at = find(text, args, last);
  if (at < 0) throw new TemplateError('substring not found');
  return at;
}

function partition(text: string, args: Value[], last: boolean): Value {
  const separator = textOf(args[0], 'partition');
  const at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
  if (at < 0) return Tuple.from(last ? ['', '', text] : [text, '', '']);
  return Tuple.from([text.slice(0, at), separator, text.slice(at + separator.length)]);
}

const TEXT: Readonly<Record<string, TextMethod>> = {
  upper: (text) => text.toUpperCase(),
  lower: (text) => text.toLowerCase(),
  casefold: (text) => text.toLowerCase(),
  swapcase: (text) =>
    characters(text)
      .map((one) => (one === one.toUpperCase() ? one.toLowerCase() : one.toUpperCase()))
      .join(''),
  capitalize: (text) => capitalize(text),
  title: (text) => title(text),
  strip: (text, [set]) => strip(text, 'both', optionalText(set, 'strip')),
  lstrip: (text, [set]) => strip(text, 'left', optionalText(set, 'lstrip')),
  rstrip: (text, [set]) => strip(text, 'right', optionalText(set, 'rstrip')),
  split: (text, args, named) => split(text, args, named, false),
  rsplit: (text, args, named) => split(text, args, named, true),
  splitlines: (text, [keep]) => splitLines(text, keep === true),
  replace: (text, [from, to, most], named) =>
    replaceText(
      text,
      textOf(from, 'replace'),
      textOf(to, 'replace'),
      integer(most ?? named.get('count'), -1),
    ),
  startswith: (text, args) => affix(text, args, (whole, part) => whole.startsWith(part)),
  endswith: (text, args) => affix(text, args, (whole, part) => whole.endsWith(part)),
  removeprefix: (text, [part]) => {
    const prefix = textOf(part, 'removeprefix');
    return text.startsWith(prefix) ? text.slice(prefix.length) : text;
  },
  removesuffix: (text, [part]) => {
    const suffix = textOf(part, 'removesuffix');
    return suffix !== '' && text.endsWith(suffix) ? text.slice(0, -suffix.length) : text;
  },
  find: (text, args) => find(text, args, false),
  rfind: (text, args) => find(text, args, true),
  index: (text, args) => index(text, args, false),
  rindex: (text, args) => index(text, args, true),
  count: (text, [part]) => {
    const wanted = textOf(part, 'count');
    return wanted === '' ? textLength(text) + 1 : text.split(wanted).length - 1;
  },
  join: (text, [list]) =>
    iterate(list ?? [])
      .map((item) => textOf(item, 'join'))
      .join(text),
  partition: (text, args) => partition(text, args, false),
  rpartition: (text, args) => partition(text, args, true),
  format: (text, args, named, pick) => strFormat(text, args, named, pick),
  zfill: (text, [width]) => {
    const missing = integer(width, 0) - textLength(text);
    const sign = /^[-+]/.test(text) ? (text[0] as string) : '';
    return missing <= 0 ? text : sign + '0'.repeat(missing) + text.slice(sign.length);
  },
  ljust: (text, args) => padded(text, args, 'right'),
  rjust: (text, args) => padded(text, args, 'left'),
  center: (text, args) => padded(text, args, 'both'),
  expandtabs: (text, [width]) => text.replaceAll('\t', ' '.repeat(integer(width, 8))),
  isdigit: (text) => /^[\p{Nd}\p{No}]+$/u.test(text),
  isdecimal: (text) => /^\p{Nd}+$/u.test(text),
  isnumeric: (text) => /^\p{N}+$/u.test(text),
  isalpha: (text) => /^\p{L}+$/u.test(text),
  isalnum: (text) => /^[\p{L}\p{N}]+$/u.test(text),
  isspace: (text) => text !== '' && strip(text, 'both') === '',
  isupper: (text) => cased(text) && text === text.toUpperCase(),
  islower: (text) => cased(text) && text === text.toLowerCase(),
  istitle: (text) => cased(text) && text === title(text),
  isascii: (text) => /^\p{ASCII}*$/u.test(text),
  isidentifier: (text) => /^[\p{L}_][\p{L}\p{N}_]*$/u.test(text),
};

const DICT: Readonly<Record<string, (dict: Map<Value, Value>, args: Value[]) => Value>> = {
  get: (dict, [key, otherwise]) =>
    dict.has(key ?? null) ? (dict.get(key ?? null) as Value) : (otherwise ?? null),
  items: (dict) => [...dict].map((pair) => Tuple.from(pair)),
  keys: (dict) => [...dict.keys()],
  values: (dict) => [...dict.values()],
  copy: (dict) => new Map(dict),
};

const LIST: Readonly<Record<string, (list: Value[], args: Value[]) => Value>> = {
  index: (list, [item]) => {
    const at = list.findIndex((one) => equals(one, item ?? null));
    if (at < 0) throw new TemplateError(`${str(item ?? null)} is not in list`);
    return at;
  },
  count: (list, [item]) => list.filter((one) => equals(one, item ?? null)).length,
  copy: (list) => [...list],
};

const CHANGING = new Set([
  ...['append', 'clear', 'extend', 'insert', 'remove', 'reverse', 'sort'],
  ...['pop', 'popitem', 'setdefault', 'update'],
]);

/** The method `name` of a value; undefined when it has none. */
export function method(object: Value, name: string, pick: Pick): Callable | undefined {
  if (typeof object === 'string') {
    const found = Object.hasOwn(TEXT, name) ? TEXT[name] : undefined;
    return found && ((args, named) => found(object, args, named, pick));
  }
  const table = isDict(object) ? DICT : isList(object) ? LIST : null;
  if (table === null) return undefined;
  if (CHANGING.has(name))
    return () => {
      throw new TemplateError(`access to attribute '${name}' of '${typeName(object)}' object is unsafe.`);
    };
  const found = Object.hasOwn(table, name) ? table[name] : undefined;
  return found && ((args) => found(object as Map<Value, Value> & Value[], args));
}

export const noSuch = (object: Value, name: string): Undefined =>
  new Undefined(`'${typeName(object)}${isDict(object) ? ' object' : ''}' has no attribute '${name}'`);
