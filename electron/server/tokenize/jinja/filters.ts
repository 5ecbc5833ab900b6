/** Filters that look at one value. Those that walk over lists are in list-filters.ts. */
import { percentFormat } from './format.ts';
import { LIST_FILTERS } from './list-filters.ts';
import { capitalize, replaceText } from './methods.ts';
import { toJson } from './to-json.ts';
import {
  compare,
  escapeHtml,
  Float,
  fail,
  floatOf,
  Generator,
  isDict,
  isFloat,
  iterate,
  lengthOf,
  Markup,
  type Named,
  numberOf,
  plain,
  str,
  strip,
  TemplateError,
  Tuple,
  truthy,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

/** What filters ask of the evaluator. */
export interface Tools {
  filter(name: string, value: Value, args: readonly Value[], named: Named): Value;
  test(name: string, value: Value, args: readonly Value[]): boolean;
  /** `object[key]`, then the attribute of that name. */
  item(object: Value, key: Value): Value;
}

/** Reads an argument by its place or its name. */
export type Read = (at: number, name: string) => Value | undefined;
export type Filter = (value: Value, read: Read, tools: Tools, args: readonly Value[], named: Named) => Value;

const text =
  (change: (text: string) => string): Filter =>
  (value) =>
    change(str(value));

const escaped: Filter = (value) => new Markup(escapeHtml(value));

const defaultFilter: Filter = (value, read) => {
  const flag = read(1, 'boolean') ?? false;
  return value instanceof Undefined || (truthy(flag) && !truthy(value))
    ? (read(0, 'default_value') ?? '')
    : value;
};

function toInteger(value: Value, read: Read): Value {
  const otherwise = read(0, 'default') ?? 0;
  const number = numberOf(value);
  if (number !== null) return Number.isFinite(number) ? Math.trunc(number) : otherwise;
  if (typeof value !== 'string') return otherwise;
  const written = strip(value, 'both').replace(/(?<=\d)_(?=\d)/g, '');
  const base = read(1, 'base') ?? 10;
  if (base === 10 && /^[-+]?\d+$/.test(written)) return Number(written);
  if (typeof base === 'number' && base !== 10) {
    const parsed = Number.parseInt(written.replace(/^0[xob]/i, ''), base);
    return Number.isNaN(parsed) ? otherwise : parsed;
  }
  return /^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(written) ? Math.trunc(Number(written)) : otherwise;
}

function toFloat(value: Value, read: Read): Value {
  const number = numberOf(value);
  if (number !== null) return floatOf(number);
  const written = typeof value === 'string' ? strip(value, 'both') : '';
  if (/^[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i.test(written)) return floatOf(Number(written));
  return read(0, 'default') ?? new Float(0);
}

function round(value: Value, read: Read): Value {
  const number = numberOf(value);
  if (number === null) throw new TemplateError(`type ${typeName(value)} doesn't define __round__ method`);
  const scale = 10 ** (numberOf(read(0, 'precision') ?? 0) ?? 0);
  const way = read(1, 'method') ?? 'common';
  const scaled = number * scale;
  if (way === 'ceil') return floatOf(Math.ceil(scaled) / scale);
  if (way === 'floor') return floatOf(Math.floor(scaled) / scale);
  const low = Math.floor(scaled);
  const half = scaled - low === 0.5; // Python rounds halves to even
  const rounded = (half ? (low % 2 === 0 ? low : low + 1) : Math.round(scaled)) / scale;
  return isFloat(value) ? floatOf(rounded) : rounded;
}

function indent(value: Value, read: Read): Value {
  const width = read(0, 'width') ?? 4;
  const step = typeof width === 'string' ? width : ' '.repeat(numberOf(width) ?? 4);
  const first = truthy(read(1, 'first') ?? false);
  const blank = truthy(read(2, 'blank') ?? false);
  const [head = '', ...rest] = str(value).split(/\r\n|\r|\n/);
  const lines = rest.map((line) => (line === '' && !blank ? line : step + line));
  return [first && (head !== '' || blank || rest.length > 0) ? step + head : head, ...lines].join('\n');
}

function truncate(value: Value, read: Read): Value {
  const whole = str(value);
  const most = numberOf(read(0, 'length') ?? 255) ?? 255;
  const end = str(read(2, 'end') ?? '...');
  const leeway = numberOf(read(3, 'leeway') ?? 5) ?? 5;
  if (lengthOf(whole) <= most + leeway) return whole;
  const cut = [...whole].slice(0, most - lengthOf(end)).join('');
  if (truthy(read(1, 'killwords') ?? false)) return cut + end;
  const space = cut.lastIndexOf(' ');
  return (space < 0 ? cut : cut.slice(0, space)) + end;
}

const SIMPLE: Readonly<Record<string, Filter>> = {
  tojson: (value, _read, _tools, args, named) => {
    if (value instanceof Undefined)
      throw new TemplateError('Object of type Undefined is not JSON serializable');
    return toJson(value, args, named);
  },
  default: defaultFilter,
  d: defaultFilter,
  trim: (value, read) => {
    const set = read(0, 'chars');
    return strip(str(value), 'both', typeof set === 'string' ? set : null);
  },
  upper: text((one) => one.toUpperCase()),
  lower: text((one) => one.toLowerCase()),
  capitalize: text(capitalize),
  title: text((one) => one.replace(/[^-\s({[<]+/gu, capitalize)),
  string: (value) => str(value),
  safe: (value) => new Markup(str(value)),
  escape: escaped,
  e: escaped,
  forceescape: (value) => new Markup(escapeHtml(str(value))),
  striptags: text((one) =>
    one
      .replace(/<!--[\s\S]*?-->|<[^>]*>/g, '')
      .split(/\s+/)
      .join(' ')
      .trim(),
  ),
  urlencode: text((one) => encodeURIComponent(one).replaceAll('%2F', '/')),
  wordcount: (value) => (str(value).match(/[\p{L}\p{N}_]+/gu) ?? []).length,
  length: lengthOf,
  count: lengthOf,
  int: toInteger,
  float: toFloat,
  abs: (value) => {
    const number = numberOf(value);
    if (number === null) throw new TemplateError(`bad operand type for abs(): '${typeName(value)}'`);
    return isFloat(value) ? floatOf(Math.abs(number)) : Math.abs(number);
  },
  round,
  indent,
  truncate,
  center: (value, read) => {
    const missing = Math.max((numberOf(read(0, 'width') ?? 80) ?? 80) - lengthOf(str(value)), 0);
    const left = Math.floor(missing / 2);
    return ' '.repeat(left) + str(value) + ' '.repeat(missing - left);
  },
  replace: (value, read) => {
    if (value instanceof Undefined) return fail(value);
    const most = read(2, 'count');
    return replaceText(
      str(value),
      str(read(0, 'old') ?? ''),
      str(read(1, 'new') ?? ''),
      typeof most === 'number' ? most : -1,
    );
  },
  format: (value, _read, _tools, args, named) =>
    percentFormat(str(value), named.size > 0 ? new Map(named) : Tuple.from(args)),
  items: (value) => {
    if (value instanceof Undefined) return new Generator([]);
    if (!isDict(value)) throw new TemplateError('Can only get item pairs from a mapping.');
    return new Generator([...value].map((pair) => Tuple.from(pair)));
  },
  dictsort: (value, read) => {
    if (!isDict(value)) throw new TemplateError(`'${typeName(value)}' object has no attribute 'items'`);
    const place = (read(1, 'by') ?? 'key') === 'value' ? 1 : 0;
    const sensitive = truthy(read(0, 'case_sensitive') ?? false);
    const key = (pair: Value[]): Value => {
      const one = pair[place] as Value;
      return typeof one === 'string' && !sensitive ? one.toLowerCase() : one;
    };
    const sorted = [...value]
      .sort((a, b) => compare(key(a), key(b)))
      .map((pair) => Tuple.from(pair) as Value);
    return truthy(read(2, 'reverse') ?? false) ? sorted.reverse() : sorted;
  },
  list: (value) => [...iterate(value)],
  attr: (value, read, tools) => tools.item(value, read(0, 'name') ?? null),
};

const FILTERS: Readonly<Record<string, Filter>> = { ...SIMPLE, ...LIST_FILTERS };

/** Filters to which it matters whether a text was escaped before. */
const RAW = new Set(['escape', 'e', 'safe']);

/** Names of all filters; a template that uses another is refused when it is rendered there. */
export function filter(
  name: string,
  value: Value,
  args: readonly Value[],
  named: Named,
  tools: Tools,
): Value {
  const found = Object.hasOwn(FILTERS, name) ? FILTERS[name] : undefined;
  if (found === undefined) throw new TemplateError(`No filter named '${name}'.`);
  return found(
    RAW.has(name) ? value : plain(value),
    (at, key) => args[at] ?? named.get(key),
    tools,
    args,
    named,
  );
}
