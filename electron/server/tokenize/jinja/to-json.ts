/** The `tojson` filter of transformers: Python's `json.dumps`, which escapes no HTML. */
import {
  floatOf,
  isDict,
  isFloat,
  isList,
  type Named,
  numberOf,
  str,
  TemplateError,
  truthy,
  typeName,
  type Value,
} from './values.ts';

interface Options {
  ascii: boolean;
  indent: string | null;
  item: string;
  key: string;
  sort: boolean;
}

function text(value: string, ascii: boolean): string {
  // JSON.stringify also escapes lone surrogates, which Python writes as they are; no text of ours holds one.
  const quoted = JSON.stringify(value);
  if (!ascii) return quoted;
  return quoted.replace(/[^\0-~]/g, (one) => `\\u${one.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

function keyText(key: Value, ascii: boolean): string {
  if (typeof key === 'string') return text(key, ascii);
  if (key === null) return '"null"';
  if (typeof key === 'boolean') return `"${key}"`;
  return `"${str(key)}"`;
}

function write(value: Value, options: Options, depth: number): string {
  if (value === null) return 'null';
  if (typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return text(value, options.ascii);
  const number = numberOf(value);
  if (number !== null) {
    if (!Number.isFinite(number)) return Number.isNaN(number) ? 'NaN' : number > 0 ? 'Infinity' : '-Infinity';
    return isFloat(value) ? str(floatOf(number)) : String(number);
  }
  const dict = isDict(value);
  if (!dict && !isList(value))
    throw new TemplateError(`Object of type ${typeName(value)} is not JSON serializable`);
  let parts: string[];
  if (dict) {
    const entries = [...value];
    if (options.sort) entries.sort(([a], [b]) => (str(a) < str(b) ? -1 : 1));
    parts = entries.map(
      ([key, one]) => `${keyText(key, options.ascii)}${options.key}${write(one, options, depth + 1)}`,
    );
  } else parts = value.map((one) => write(one, options, depth + 1));
  const [open, close] = dict ? '{}' : '[]';
  if (parts.length === 0) return `${open}${close}`;
  if (options.indent === null) return `${open}${parts.join(options.item)}${close}`;
  const inner = `\n${options.indent.repeat(depth + 1)}`;
  return `${open}${inner}${parts.join(`${options.item}${inner}`)}\n${options.indent.repeat(depth)}${close}`;
}

/** `tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False)`. */
export function toJson(value: Value, args: readonly Value[], named: Named): string {
  const option = (at: number, name: string): Value => args[at] ?? named.get(name) ?? null;
  const indent = option(1, 'indent');
  const separators = option(2, 'separators');
  const [item, key] = isList(separators) ? separators.map(str) : [];
  const step = typeof indent === 'number' ? ' '.repeat(indent) : typeof indent === 'string' ? indent : null;
  return write(
    value,
    {
      ascii: truthy(option(0, 'ensure_ascii')),
      indent: step,
      item: item ?? (step === null ? ', ' : ','),
      key: key ?? ': ',
      sort: truthy(option(3, 'sort_keys')),
    },
    0,
  );
}
