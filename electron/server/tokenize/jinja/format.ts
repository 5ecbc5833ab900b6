/** `text % values` and `text.format(...)`. */
import {
  isDict,
  isFloat,
  type Named,
  numberOf,
  repr,
  str,
  TemplateError,
  Tuple,
  typeName,
  Undefined,
  type Value,
} from './values.ts';

const PERCENT = /%(?:\(([^)]*)\))?([-+ #0]*)(\*|\d+)?(?:\.(\d+))?[hlL]?(.)/gs;

/** Fills `body` to a width; `align`: < > ^ or = (zeros between sign and digits). */
function pad(body: string, width: number, align: string, fill: string): string {
  const missing = width - [...body].length;
  if (missing <= 0) return body;
  if (align === '<') return body + fill.repeat(missing);
  if (align === '^') {
    const before = Math.floor(missing / 2);
    return fill.repeat(before) + body + fill.repeat(missing - before);
  }
  const sign = align === '=' && /^[-+ ]/.test(body) ? (body[0] as string) : '';
  return sign + fill.repeat(missing) + body.slice(sign.length);
}

const exponent = (text: string) =>
  text.replace(/e([-+])(\d)$/, (_, sign: string, digit: string) => `e${sign}0${digit}`);

/** A number by a conversion letter of printf kind; null: no such letter. */
function number(value: number, letter: string, digits: number | null, alternate: boolean): string | null {
  switch (letter) {
    case 'd':
    case 'i':
    case 'u':
      return String(Math.trunc(value));
    case 'f':
    case 'F':
      return value.toFixed(digits ?? 6);
    case 'e':
      return exponent(value.toExponential(digits ?? 6));
    case 'E':
      return exponent(value.toExponential(digits ?? 6)).toUpperCase();
    case 'g':
    case 'G': {
      const precision = Math.max(digits ?? 6, 1);
      const power = value === 0 ? 0 : Math.floor(Math.log10(Math.abs(Number(value.toPrecision(precision)))));
      const text =
        power < -4 || power >= precision
          ? exponent(value.toExponential(precision - 1).replace(/\.?0+e/, 'e'))
          : value
              .toFixed(Math.max(precision - 1 - power, 0))
              .replace(/(\.\d*?)0+$/, '$1')
              .replace(/\.$/, '');
      return letter === 'G' ? text.toUpperCase() : text;
    }
    case 'x':
    case 'X':
    case 'o':
    case 'b': {
      const base = letter === 'o' ? 8 : letter === 'b' ? 2 : 16;
      const text = Math.abs(Math.trunc(value)).toString(base);
      const sign = value < 0 ? '-' : '';
      const whole = `${sign}${alternate ? `0${letter.toLowerCase()}` : ''}${text}`;
      return letter === 'X' ? whole.toUpperCase() : whole;
    }
    default:
      return null;
  }
}

function numeric(value: Value, letter: string): number {
  const found = numberOf(value);
  if (found === null)
    throw new TemplateError(`%${letter} format: a real number is required, not ${typeName(value)}`);
  return found;
}

/** printf-style formatting. Throws TemplateError for too few or too many values, as Python does. */
export function percentFormat(text: string, values: Value): string {
  const list = values instanceof Tuple ? [...values] : [values];
  let used = 0;
  let byName = false;
  const take = (): Value => {
    if (used >= list.length) throw new TemplateError('not enough arguments for format string');
    used += 1;
    return list[used - 1] as Value;
  };
  const result = text.replace(PERCENT, (_, name, flags: string, width, precision, letter: string) => {
    if (letter === '%') return '%';
    const wide = width === '*' ? numeric(take(), '*') : Number(width ?? 0);
    let value: Value;
    if (name === undefined) value = take();
    else {
      byName = true;
      if (!isDict(values)) throw new TemplateError('format requires a mapping');
      value = values.get(name) ?? new Undefined(`'${name}'`);
    }
    const digits = precision === undefined ? null : Number(precision);
    let body: string;
    if (letter === 's' || letter === 'r' || letter === 'a') {
      const whole = letter === 's' ? str(value) : repr(value);
      body = digits === null ? whole : [...whole].slice(0, digits).join('');
    } else if (letter === 'c') body = typeof value === 'number' ? String.fromCodePoint(value) : str(value);
    else {
      const written = number(numeric(value, letter), letter, digits, flags.includes('#'));
      if (written === null) throw new TemplateError(`unsupported format character '${letter}'`);
      body = flags.includes('+') && !written.startsWith('-') ? `+${written}` : written;
      if (flags.includes(' ') && /^\d/.test(body)) body = ` ${body}`;
    }
    const zero = flags.includes('0') && !flags.includes('-') && !'sra'.includes(letter);
    return pad(
      body,
      Math.abs(wide),
      flags.includes('-') || wide < 0 ? '<' : zero ? '=' : '>',
      zero ? '0' : ' ',
    );
  });
  if (!byName && used < list.length && !isDict(values))
    throw new TemplateError('not all arguments converted during string formatting');
  return result;
}

const SPEC = /^(?:(.)?([<>=^]))?([-+ ])?(#)?(0)?(\d+)?([,_])?(?:\.(\d+))?([a-zA-Z%])?$/su;

/** `format(value, spec)`: the mini-language of format specifications. */
function bySpec(value: Value, spec: string): string {
  if (spec === '') return str(value);
  const parts = SPEC.exec(spec);
  if (parts === null) throw new TemplateError(`Invalid format specifier '${spec}'`);
  const [, fill, align, sign, alternate, zero, width, group, precision, letter] = parts;
  const digits = precision === undefined ? null : Number(precision);
  const found = typeof value === 'boolean' && letter === undefined ? null : numberOf(value);
  let body: string;
  if (found === null) {
    if (letter !== undefined && letter !== 's')
      throw new TemplateError(`Unknown format code '${letter}' for object of type '${typeName(value)}'`);
    body = digits === null ? str(value) : [...str(value)].slice(0, digits).join('');
  } else {
    if (letter === '%') body = `${(found * 100).toFixed(digits ?? 6)}%`;
    else if (letter === undefined && digits === null) body = str(value);
    else {
      const kind = letter ?? (isFloat(value) ? 'g' : 'd');
      const written = number(found, kind, digits, alternate === '#');
      if (written === null) throw new TemplateError(`Unknown format code '${kind}'`);
      body = written;
    }
    if (group !== undefined)
      body = body.replace(/^-?\d+/, (whole) => whole.replace(/\B(?=(\d{3})+$)/g, group));
    if (sign !== undefined && sign !== '-' && !body.startsWith('-')) body = sign + body;
  }
  const side = align ?? (zero ? '=' : found === null ? '<' : '>');
  return pad(body, Number(width ?? 0), side, fill ?? (zero ? '0' : ' '));
}

const FIELD = /\{\{|\}\}|\{([^{}!:]*)(?:!([rsa]))?(?::((?:[^{}]|\{[^{}]*\})*))?\}|[{}]/g;

/** `str.format`. `pick` follows an attribute or subscript of a field. */
export function strFormat(
  text: string,
  args: readonly Value[],
  named: Named,
  pick: (object: Value, key: string | number, attribute: boolean) => Value,
): string {
  let automatic = 0;
  const field = (path: string): Value => {
    const [head = ''] = /^[^.[]*/.exec(path) ?? [''];
    let value: Value | undefined;
    if (head === '') {
      value = args[automatic];
      automatic += 1;
    } else value = /^\d+$/.test(head) ? args[Number(head)] : named.get(head);
    if (value === undefined) throw new TemplateError(`Replacement field "${head}" has no value`);
    for (const [, attribute, item] of path.slice(head.length).matchAll(/\.([^.[]+)|\[([^\]]+)\]/g))
      value = pick(
        value,
        attribute ?? (/^\d+$/.test(item as string) ? Number(item) : (item as string)),
        attribute !== undefined,
      );
    return value;
  };
  return text.replace(FIELD, (whole, path: string | undefined, conversion?: string, spec?: string) => {
    if (whole === '{{' || whole === '}}') return whole[0] as string;
    if (path === undefined) throw new TemplateError(`Single '${whole}' encountered in format string`);
    const value = field(path);
    const written = (spec ?? '').replace(/\{([^{}]*)\}/g, (_, inner: string) => str(field(inner)));
    return bySpec(conversion === undefined ? value : conversion === 's' ? str(value) : repr(value), written);
  });
}
