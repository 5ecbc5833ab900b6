/**
 * The RunSpec schema as a flat list of fields: what the form draws, the CLI's `--set` accepts and the docs table
 * prints. Pure: it reads titles, ranges and defaults out of the zod schema, so none of them is written twice.
 *
 * A discriminated union (method, optimizer, mapping) gives one field of kind `variant` at the path of its
 * discriminator (`method.type`), then the fields of every variant with `when` saying for which value they count.
 */
import type { FieldMeta } from './field-meta.ts';
import { runSpecObject } from './run-spec.ts';

export type FieldKind =
  | 'text'
  | 'number'
  | 'integer'
  | 'boolean'
  /** one of `options` */
  | 'choice'
  /** one of `options`, which decides the sibling fields that have `when` */
  | 'variant'
  /** some of `options` */
  | 'multi_choice'
  /** a list of free texts */
  | 'text_list'
  /** a list of whole numbers; min and max are those of an entry */
  | 'integer_list'
  /** a list of objects, whose own fields are in `fields` */
  | 'object_list';

export interface FieldOption {
  value: string;
  title: string;
  help: string;
  paper?: { title: string; url: string };
  family?: string;
  /** Everything the schema says about a variant. */
  meta?: FieldMeta;
}

export interface SpecField {
  /** Dotted path in a RunSpec, e.g. `optimizer.learning_rate`. */
  path: string;
  /** Last part of the path. */
  key: string;
  /** Path of the object the field is in: a group of `specGroups()`, '' for the top level. */
  group: string;
  kind: FieldKind;
  meta: FieldMeta;
  /** true: there is no default, the user must give a value. */
  required: boolean;
  /** true: null is a value ("none"). */
  nullable: boolean;
  /** The default; undefined when `required`. */
  default: unknown;
  /** Limits of a number; `exclusive` ones are not allowed themselves. */
  min?: number;
  minExclusive?: boolean;
  max?: number;
  maxExclusive?: boolean;
  /** Limits of a text's length or a list's size. */
  minLength?: number;
  maxLength?: number;
  options?: FieldOption[];
  /** Of an entry of an `object_list`; their paths start at the entry. */
  fields?: readonly SpecField[];
  /** The field only exists while the variant field at `path` has this value. */
  when?: { path: string; equals: string };
}

export interface SpecGroup {
  path: string;
  meta: FieldMeta;
}

/** What we read of a zod 4 schema: its definition and its checks. */
interface Def {
  type: string;
  innerType?: Schema;
  element?: Schema;
  discriminator?: string;
  options?: Schema[];
  shape?: Record<string, Schema>;
  entries?: Record<string, string>;
  values?: unknown[];
  defaultValue?: unknown;
  checks?: Check[];
}
interface Check {
  _zod: {
    def: {
      check: string;
      format?: string;
      value?: number;
      inclusive?: boolean;
      minimum?: number;
      maximum?: number;
    };
  };
}
interface Schema {
  meta(): unknown;
  _zod: { def: Def };
}

interface Unwrapped {
  schema: Schema;
  meta: FieldMeta;
  required: boolean;
  nullable: boolean;
  default: unknown;
}

/** Takes off default, nullable and the like; the outermost title wins. */
function unwrap(schema: Schema): Unwrapped {
  const result: Unwrapped = {
    schema,
    meta: { title: '', help: '' },
    required: true,
    nullable: false,
    default: undefined,
  };
  let hasMeta = false;
  for (;;) {
    const { def } = result.schema._zod;
    const meta = result.schema.meta() as FieldMeta | undefined;
    if (!hasMeta && meta?.title !== undefined) {
      result.meta = meta;
      hasMeta = true;
    }
    if (def.innerType === undefined) return result;
    if (def.type === 'default' || def.type === 'prefault') {
      result.required = false;
      result.default = def.defaultValue;
    } else if (def.type === 'nullable') result.nullable = true;
    else if (def.type === 'optional') result.required = false;
    else throw new Error(`spec-fields: cannot show a zod "${def.type}" wrapper`);
    result.schema = def.innerType;
  }
}

/** Limits a schema's checks set: ranges of numbers, lengths of texts and lists. */
function limits(checks: Check[]): Partial<SpecField> {
  const found: Partial<SpecField> = {};
  for (const { _zod } of checks) {
    const { check, value, inclusive, minimum, maximum } = _zod.def;
    if (check === 'greater_than' && value !== undefined) {
      found.min = value;
      if (!inclusive) found.minExclusive = true;
    } else if (check === 'less_than' && value !== undefined) {
      found.max = value;
      if (!inclusive) found.maxExclusive = true;
    } else if (check === 'min_length' && minimum !== undefined) found.minLength = minimum;
    else if (check === 'max_length' && maximum !== undefined) found.maxLength = maximum;
  }
  return found;
}

const isInteger = (checks: Check[]) => checks.some(({ _zod }) => _zod.def.format === 'safeint');

const plainOptions = (entries: Record<string, string>): FieldOption[] =>
  Object.values(entries).map((value) => ({ value, title: value, help: '' }));

/** Kind, limits and options of a leaf, or null for a leaf nobody fills in (a fixed literal). */
function leaf(schema: Schema): ({ kind: FieldKind } & Partial<SpecField>) | null {
  const { def } = schema._zod;
  const checks = def.checks ?? [];
  switch (def.type) {
    case 'string':
      return { kind: 'text', ...limits(checks) };
    case 'number':
      return { kind: isInteger(checks) ? 'integer' : 'number', ...limits(checks) };
    case 'boolean':
      return { kind: 'boolean' };
    case 'enum':
      return { kind: 'choice', options: plainOptions(def.entries ?? {}) };
    case 'literal':
      return null;
    case 'array': {
      const element = (def.element as Schema)._zod.def;
      if (element.type === 'enum')
        return { kind: 'multi_choice', options: plainOptions(element.entries ?? {}), ...limits(checks) };
      if (element.type === 'string') return { kind: 'text_list', ...limits(checks) };
      if (element.type === 'number')
        return { kind: 'integer_list', ...limits(checks), ...limits(element.checks ?? []) };
      if (element.type === 'object')
        return { kind: 'object_list', ...limits(checks), fields: entryFields(element) };
      throw new Error(`spec-fields: cannot show a list of zod "${element.type}"`);
    }
    default:
      throw new Error(`spec-fields: cannot show a zod "${def.type}"`);
  }
}

function entryFields(def: Def): SpecField[] {
  const walk: Walk = { fields: [], groups: [] };
  walkObject(walk, def.shape ?? {}, '');
  return walk.fields;
}

type Walk = { fields: SpecField[]; groups: SpecGroup[] };

const join = (parent: string, key: string) => (parent === '' ? key : `${parent}.${key}`);

function walkObject(walk: Walk, shape: Record<string, Schema>, path: string, when?: SpecField['when']): void {
  for (const [key, child] of Object.entries(shape)) {
    const childPath = join(path, key);
    if (when?.path === childPath) continue; // the discriminator itself: already there as a variant field
    walkField(walk, child, childPath, key, path, when);
  }
}

function walkField(
  walk: Walk,
  wrapped: Schema,
  path: string,
  key: string,
  group: string,
  when?: SpecField['when'],
): void {
  const { schema, meta, required, nullable, default: value } = unwrap(wrapped);
  const { def } = schema._zod;
  const condition = when ? { when } : {};
  if (def.type === 'object') {
    walk.groups.push({ path, meta });
    walkObject(walk, def.shape ?? {}, path, when);
    return;
  }
  if (def.type === 'union' && def.discriminator !== undefined) {
    walk.groups.push({ path, meta });
    walkUnion(walk, def, path, { meta, required, nullable, default: value }, when);
    return;
  }
  const found = leaf(schema);
  if (found === null) return;
  walk.fields.push({ path, key, group, meta, required, nullable, default: value, ...found, ...condition });
}

function walkUnion(
  walk: Walk,
  def: Def,
  path: string,
  { meta, required, nullable, default: value }: Omit<Unwrapped, 'schema'>,
  when?: SpecField['when'],
): void {
  const key = def.discriminator as string;
  const variants = (def.options ?? []).map((option) => {
    const { schema, meta: variantMeta } = unwrap(option);
    const shape = schema._zod.def.shape ?? {};
    return { value: String((shape[key] as Schema)._zod.def.values?.[0]), shape, meta: variantMeta };
  });
  walk.fields.push({
    path: join(path, key),
    key,
    group: path,
    kind: 'variant',
    meta,
    required,
    nullable,
    default: value === null ? null : (value as Record<string, unknown> | undefined)?.[key],
    options: variants.map(({ value: option, meta: m }) => ({
      value: option,
      title: m.title,
      help: m.help,
      ...(m.paper ? { paper: m.paper } : {}),
      ...(m.family ? { family: m.family } : {}),
      meta: m,
    })),
    ...(when ? { when } : {}),
  });
  for (const { value: equals, shape } of variants)
    walkObject(walk, shape, path, { path: join(path, key), equals });
}

let cached: Walk | null = null;
function walked(): Walk {
  if (cached === null) {
    cached = { fields: [], groups: [] };
    walkObject(cached, (runSpecObject as unknown as Schema)._zod.def.shape ?? {}, '');
  }
  return cached;
}

/** Every field of a RunSpec in the order of the schema; the same path may occur once per variant. */
export const specFields = (): readonly SpecField[] => walked().fields;

/** The objects fields are grouped in (`dataset`, `dataset.mapping`, `batch`, ...), with their titles. */
export const specGroups = (): readonly SpecGroup[] => walked().groups;

/** Value at a dotted path of a (partial) spec; undefined when some part of the path is missing. */
export function specValue(spec: unknown, path: string): unknown {
  let value: unknown = spec;
  for (const key of path.split('.')) {
    if (typeof value !== 'object' || value === null) return undefined;
    value = (value as Record<string, unknown>)[key];
  }
  return value;
}

/** Fields that count for this spec: those of the chosen variants. */
export function activeFields(spec: unknown): SpecField[] {
  return specFields().filter(({ when }) => !when || specValue(spec, when.path) === when.equals);
}

/** Defaults of a variant (`variantDefaults('method.type', 'lora')`), with its discriminator and without required fields. */
export function variantDefaults(path: string, value: string): Record<string, unknown> {
  const key = path.slice(path.lastIndexOf('.') + 1);
  const defaults: Record<string, unknown> = { [key]: value };
  for (const field of specFields()) {
    if (field.when?.path !== path || field.when.equals !== value || field.required) continue;
    defaults[field.key] = structuredClone(field.default);
  }
  return defaults;
}

/** A variant's meta, or null for a value that is none. */
export const variantMeta = (path: string, value: string): FieldMeta | null =>
  specFields()
    .find((field) => field.path === path && field.kind === 'variant')
    ?.options?.find((option) => option.value === value)?.meta ?? null;
