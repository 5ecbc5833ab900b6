/** Filters over lists. Those that Python computes lazily give a Generator: always true, without a length. */
import type { Filter, Tools } from './filters.ts';
import { binary } from './operators.ts';
import {
  characters,
  compare,
  equals,
  Generator,
  iterate,
  numberOf,
  str,
  TemplateError,
  Tuple,
  truthy,
  Undefined,
  type Value,
} from './values.ts';

/** `a.b.0` of an item; with a default for what is not there. */
function attribute(item: Value, path: Value, tools: Tools, otherwise?: Value): Value {
  let value = item;
  const parts: Value[] =
    typeof path === 'string'
      ? path.split('.').map((part) => (/^\d+$/.test(part) ? Number(part) : part))
      : [path];
  for (const part of parts) {
    value = tools.item(value, part);
    if (value instanceof Undefined && otherwise !== undefined) return otherwise;
  }
  return value;
}

const folded = (value: Value, sensitive: boolean): Value =>
  typeof value === 'string' && !sensitive ? value.toLowerCase() : value;

/** These filters take what is false (none, an empty text) for an empty list. */
const walked = (value: Value): Value[] => (truthy(value) ? iterate(value) : []);

/** select, reject and their kin for attributes. */
const choosing =
  (keep: boolean, byAttribute: boolean): Filter =>
  (value, _read, tools, args) => {
    const [path, ...afterPath] = byAttribute ? args : [null, ...args];
    const [name, ...rest] = afterPath;
    const matches = (item: Value): boolean => {
      const tested = byAttribute ? attribute(item, path ?? null, tools) : item;
      return name === undefined ? truthy(tested) : tools.test(str(name), tested, rest);
    };
    return new Generator(walked(value).filter((item) => matches(item) === keep));
  };

const map: Filter = (value, _read, tools, args, named) => {
  const items = walked(value);
  const path = named.get('attribute');
  if (path !== undefined && args.length === 0) {
    const otherwise = named.get('default');
    return new Generator(items.map((item) => attribute(item, path, tools, otherwise)));
  }
  const [name, ...rest] = args;
  if (name === undefined) throw new TemplateError('map requires a filter argument');
  return new Generator(items.map((item) => tools.filter(str(name), item, rest, named)));
};

const sort: Filter = (value, read, tools) => {
  const sensitive = truthy(read(1, 'case_sensitive') ?? false);
  const path = read(2, 'attribute') ?? null;
  const paths: Value[] = typeof path === 'string' ? path.split(',') : path === null ? [] : [path];
  const key = (item: Value): Value => {
    const keys = paths.map((one) => folded(attribute(item, one, tools), sensitive));
    return keys.length === 0 ? folded(item, sensitive) : (keys as Value[]);
  };
  const keyed = iterate(value).map((item) => ({ item, key: key(item) }));
  const sign = truthy(read(0, 'reverse') ?? false) ? -1 : 1;
  return keyed.sort((a, b) => sign * compare(a.key, b.key)).map(({ item }) => item);
};

const unique: Filter = (value, read, tools) => {
  const sensitive = truthy(read(0, 'case_sensitive') ?? false);
  const path = read(1, 'attribute');
  const seen: Value[] = [];
  return new Generator(
    iterate(value).filter((item) => {
      const key = folded(path === undefined ? item : attribute(item, path, tools), sensitive);
      if (seen.some((one) => equals(one, key))) return false;
      seen.push(key);
      return true;
    }),
  );
};

const extreme =
  (sign: number): Filter =>
  (value, read, tools) => {
    const path = read(1, 'attribute');
    const key = (item: Value) =>
      folded(
        path === undefined ? item : attribute(item, path, tools),
        truthy(read(0, 'case_sensitive') ?? false),
      );
    const items = iterate(value);
    if (items.length === 0) return new Undefined('No aggregated item, sequence was empty.');
    return items.reduce((best, item) => (sign * compare(key(item), key(best)) > 0 ? item : best));
  };

function chunks(items: Value[], size: number, fill: Value | undefined): Value[] {
  const rows: Value[] = [];
  for (let at = 0; at < items.length; at += size) {
    const row = items.slice(at, at + size);
    if (fill !== undefined) while (row.length < size) row.push(fill);
    rows.push(row);
  }
  return rows;
}

export const LIST_FILTERS: Readonly<Record<string, Filter>> = {
  join: (value, read, tools) => {
    const path = read(1, 'attribute');
    const items = iterate(value);
    return items
      .map((item) => str(path === undefined ? item : attribute(item, path, tools)))
      .join(str(read(0, 'd') ?? ''));
  },
  first: (value) =>
    iterate(value)[0] ??
    (iterate(value).length > 0 ? null : new Undefined('No first item, sequence was empty.')),
  last: (value) => {
    const items = iterate(value);
    return items.length > 0 ? (items.at(-1) as Value) : new Undefined('No last item, sequence was empty.');
  },
  reverse: (value) =>
    typeof value === 'string'
      ? characters(value).reverse().join('')
      : new Generator([...iterate(value)].reverse()),
  sort,
  unique,
  map,
  select: choosing(true, false),
  reject: choosing(false, false),
  selectattr: choosing(true, true),
  rejectattr: choosing(false, true),
  min: extreme(-1),
  max: extreme(1),
  sum: (value, read, tools) => {
    const path = read(0, 'attribute');
    const items =
      path === undefined || path === null
        ? iterate(value)
        : iterate(value).map((item) => attribute(item, path, tools));
    return items.reduce((sum, item) => binary('+', sum, item), read(1, 'start') ?? 0);
  },
  batch: (value, read) =>
    new Generator(chunks(iterate(value), numberOf(read(0, 'linecount') ?? 1) ?? 1, read(1, 'fill_with'))),
  slice: (value, read) => {
    const items = iterate(value);
    const count = numberOf(read(0, 'slices') ?? 1) ?? 1;
    const size = Math.floor(items.length / count);
    const extra = items.length % count;
    return new Generator(
      Array.from({ length: count }, (_, k) =>
        items.slice(k * size + Math.min(k, extra), (k + 1) * size + Math.min(k + 1, extra)),
      ),
    );
  },
  groupby: (value, read, tools) => {
    const path = read(0, 'attribute') ?? null;
    const groups: { key: Value; items: Value[] }[] = [];
    for (const item of iterate(value)) {
      const key = attribute(item, path, tools);
      const known = groups.find((group) => equals(group.key, key));
      if (known) known.items.push(item);
      else groups.push({ key, items: [item] });
    }
    return groups.sort((a, b) => compare(a.key, b.key)).map(({ key, items }) => Tuple.from([key, items]));
  },
};
