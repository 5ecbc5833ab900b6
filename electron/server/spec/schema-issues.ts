/** What zod finds wrong with a spec, in the words of the form: the field's name, the value, the limits, what to do. */
import type { z } from 'zod';
import { withRates } from '../../shared/spec/learning-rates.ts';
import { migrateSpec, RUN_SPEC_VERSION } from '../../shared/spec/migrate.ts';
import { type RunSpec, runSpecObject, runSpecSchema, type SpecIssue } from '../../shared/spec/run-spec.ts';
import {
  activeFields,
  type SpecField,
  specFields,
  specGroups,
  specValue,
} from '../../shared/spec/spec-fields.ts';
import { nearest } from './suggest.ts';

/** A value as it stands in JSON, shortened. */
export function show(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'number' && !Number.isFinite(value)) return String(value);
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}

/** What a field may hold: "a whole number from 1 to 512". */
export function expected(field: SpecField): string {
  const { kind, min, max, minLength, maxLength, options } = field;
  const choices = (options ?? []).map(({ value }) => value).join(', ');
  const orNone = !field.nullable
    ? ''
    : field.meta.rateFactor === undefined
      ? ', or null for none'
      : ', or null for the recommended one';
  switch (kind) {
    case 'integer':
    case 'number': {
      const above = min === undefined ? '' : field.minExclusive ? ` above ${min}` : ` from ${min}`;
      const below = max === undefined ? '' : field.maxExclusive ? ` and below ${max}` : ` to ${max}`;
      const unit = field.meta.unit ? ` (${field.meta.unit})` : '';
      return `${kind === 'integer' ? 'a whole number' : 'a number'}${above}${field.minExclusive && below.startsWith(' to') ? ` and at most ${max}` : below}${unit}${orNone}`;
    }
    case 'boolean':
      return 'true or false';
    case 'choice':
    case 'variant':
      return options?.length === 1 ? choices : `one of ${choices}`;
    case 'multi_choice':
      return `a list of ${minLength ? 'one or more' : 'any'} of ${choices}`;
    case 'text_list':
      return `a list of ${minLength ? `${minLength} to ${maxLength}` : `at most ${maxLength}`} texts, none of them empty`;
    case 'integer_list':
      return `a list of at most ${maxLength} whole numbers from ${min} to ${max}`;
    case 'object_list':
      return `a list of at most ${maxLength} objects`;
    case 'text': {
      const length = maxLength === undefined ? '' : ` of at most ${maxLength} characters`;
      return `a text${minLength ? ' that is not empty' : length}${orNone}`;
    }
  }
}

/** The field an issue is about: the longest beginning of the path that is one. */
function fieldAt(path: readonly PropertyKey[], input: unknown): SpecField | null {
  const fields = activeFields(input);
  for (let n = path.length; n > 0; n -= 1) {
    const dotted = path.slice(0, n).join('.');
    const field =
      fields.find((one) => one.path === dotted) ?? specFields().find((one) => one.path === dotted);
    if (field?.fields && n + 1 < path.length) return entryField(field, path, n);
    if (field) return field;
  }
  return null;
}

/** The field of a list's entry: its path with the entry's, its title with the entry's place. */
function entryField(list: SpecField, path: readonly PropertyKey[], n: number): SpecField {
  const own = path.slice(n + 1);
  for (let k = own.length; k > 0; k -= 1) {
    const field = list.fields?.find((one) => one.path === own.slice(0, k).join('.'));
    if (!field) continue;
    const title = `${field.meta.title} of entry ${Number(path[n]) + 1} of ${list.meta.title}`;
    return { ...field, path: path.slice(0, n + 1 + k).join('.'), meta: { ...field.meta, title } };
  }
  return list;
}

/** Keys an object may have at a path. */
function keysAt(path: string, input: unknown): string[] {
  const prefix = path === '' ? '' : `${path}.`;
  const paths = [
    ...activeFields(input).map((field) => field.path),
    ...specGroups().map((group) => group.path),
  ];
  const list = specFields().find(({ path: at, fields }) => fields && path.startsWith(`${at}.`));
  if (list) {
    const inside = path.split('.').slice(list.path.split('.').length + 1);
    const own = (list.fields ?? []).map((field) => field.path.split('.'));
    const there = own.filter((one) => inside.every((part, k) => one[k] === part));
    return [...new Set(there.flatMap((one) => one[inside.length] ?? []))];
  }
  const below = paths.filter((one) => one.startsWith(prefix)).map((one) => one.slice(prefix.length));
  return [...new Set(below.map((one) => one.split('.')[0] as string))];
}

function unknownKey(path: readonly PropertyKey[], key: string, input: unknown): SpecIssue {
  const parent = path.join('.');
  const full = parent === '' ? key : `${parent}.${key}`;
  const siblings = keysAt(parent, input);
  const owners = specFields().flatMap((field) => (field.path === full && field.when ? [field.when] : []));
  const elsewhere = specFields().find((field) => field.key === key && field.path !== full);
  const near = nearest(key, siblings);
  let suggestion = `Remove it. There is: ${siblings.join(', ')}.`;
  if (owners[0]) {
    const values = owners.map(({ equals }) => equals).join(' or ');
    suggestion = `It belongs to ${owners[0].path} = ${values}. Remove it, or choose that.`;
  } else if (near !== null) suggestion = `Did you mean ${parent === '' ? near : `${parent}.${near}`}?`;
  else if (elsewhere) suggestion = `Did you mean ${elsewhere.path}?`;
  return {
    path: full,
    code: 'unknown_key',
    message: `${full} is no setting.`,
    received: specValue(input, full),
    suggestion,
  };
}

const codes: Partial<Record<z.core.$ZodIssue['code'], string>> = {
  too_small: 'too_small',
  too_big: 'too_big',
  invalid_value: 'unknown_choice',
  invalid_union: 'unknown_choice',
  invalid_type: 'wrong_type',
};

function suggestionFor(field: SpecField, value: unknown): string {
  if (typeof value === 'string' && field.options) {
    const near = nearest(
      value,
      field.options.map((option) => option.value),
    );
    if (near !== null) return `Did you mean "${near}"?`;
  }
  if (typeof value === 'number' && field.kind === 'integer_list')
    return `Write a list: ${JSON.stringify([value])}.`;
  if (typeof value === 'string' && (field.kind === 'text_list' || field.kind === 'multi_choice'))
    return `Write a list: ${JSON.stringify([value])}.`;
  const isNumber = field.kind === 'integer' || field.kind === 'number';
  if (typeof value === 'string' && value.trim() !== '' && isNumber && Number.isFinite(Number(value)))
    return `Write it without quotes: ${value.trim()}.`;
  if (
    field.kind === 'integer' &&
    typeof value === 'number' &&
    Number.isFinite(value) &&
    !Number.isInteger(value)
  )
    return `Use ${Math.round(value)}.`;
  if (field.meta.rateFactor !== undefined) return 'Leave it out for the recommended one.';
  if (value === undefined && field.meta.control === 'dataset')
    return 'Choose a dataset of the library, or give the path of a file.';
  return field.required ? '' : `The default is ${show(field.default)}.`;
}

/** An object is expected (`method`, `batch`, ...) and something else is there. */
function groupIssue(path: string, value: unknown): SpecIssue {
  const title = specGroups().find((group) => group.path === path)?.meta.title ?? 'The spec';
  const variant = specFields().find((field) => field.group === path && field.kind === 'variant');
  const choice = typeof value === 'string' ? value : (variant?.options?.[0]?.value ?? '');
  const example = variant ? `{"${variant.key}": ${JSON.stringify(choice)}}` : '{...}';
  const missing = value === undefined;
  return {
    path,
    code: missing ? 'required' : 'wrong_type',
    message: missing
      ? `${title} is missing.`
      : `${title} is ${show(value)}; an object ${example} is expected.`,
    received: value,
    suggestion: variant ? `Write ${example}.` : '',
  };
}

function toIssues(issue: z.core.$ZodIssue, input: unknown): SpecIssue[] {
  if (issue.code === 'unrecognized_keys')
    return issue.keys.slice(0, MOST_ISSUES).map((key) => unknownKey(issue.path, key, input));
  const dotted = issue.path.join('.');
  const field = fieldAt(issue.path, input);
  if (field === null) {
    if (dotted !== 'schemaVersion') return [groupIssue(dotted, specValue2(input, issue.path))];
    return [
      {
        path: dotted,
        code: 'unknown_choice',
        message: `This spec has version ${show(specValue2(input, issue.path))}; this Collie reads up to version ${RUN_SPEC_VERSION}.`,
        received: specValue2(input, issue.path),
        suggestion: 'Use a newer Collie, or leave schemaVersion out.',
      },
    ];
  }
  const received = specValue2(input, issue.path);
  const missing = received === undefined;
  const place = Number(issue.path.at(-1));
  const element = dotted === field.path || Number.isNaN(place) ? '' : ` entry ${place + 1}`;
  const what = missing ? 'is missing' : `is ${show(received)}`;
  return [
    {
      path: field.path,
      code: missing ? 'required' : (codes[issue.code] ?? 'invalid'),
      message:
        ownMessage(issue) ??
        `${field.meta.title}${element} ${what}; expected: ${ownForm(issue) ?? expected(field)}.`,
      received,
      suggestion: suggestionFor(field, received),
    },
  ];
}

/** What a check of the schema says that no range or type tells; null: it has no words of its own. */
const ownMessage = (issue: z.core.$ZodIssue): string | null =>
  issue.code === 'custom' && issue.message !== 'Invalid input' ? issue.message : null;

/** The form of a text that a pattern asks for, where the schema puts it in words. */
const ownForm = (issue: z.core.$ZodIssue): string | null =>
  issue.code === 'invalid_format' && !issue.message.startsWith('Invalid ') ? issue.message : null;

/** As specValue, for paths with list positions. */
function specValue2(input: unknown, path: readonly PropertyKey[]): unknown {
  return path.length === 0 ? input : specValue(input, path.join('.'));
}

/** Each is looked up among all fields: a file with ten thousand wrong keys needs no ten thousand explanations. */
const MOST_ISSUES = 50;

function explained(faults: readonly z.core.$ZodIssue[], input: unknown): SpecIssue[] {
  const all = faults.reduce((sum, one) => sum + (one.code === 'unrecognized_keys' ? one.keys.length : 1), 0);
  const issues: SpecIssue[] = [];
  for (const fault of faults) {
    issues.push(...toIssues(fault, input));
    if (issues.length >= MOST_ISSUES) break;
  }
  if (all <= MOST_ISSUES) return issues;
  const message = `${all - MOST_ISSUES} more settings are wrong; the first ${MOST_ISSUES} are shown.`;
  return [
    ...issues.slice(0, MOST_ISSUES),
    { path: '', code: 'too_many', message, received: all, suggestion: 'Correct these first.' },
  ];
}

export interface SchemaCheck {
  issues: SpecIssue[];
  /** What was changed in a spec of an older version, in sentences. */
  notes: string[];
  /** Every default filled in; null with any issue. */
  spec: RunSpec | null;
  /** The top-level parts that are right on their own, for checks that need no more. */
  parts: Partial<RunSpec>;
}

/** Checks everything that needs no knowledge but the schema's. */
export function checkSchema(written: unknown): SchemaCheck {
  const { spec: input, notes } = migrateSpec(written);
  const parsed = runSpecSchema.safeParse(input);
  if (parsed.success) return { issues: [], notes, spec: parsed.data, parts: parsed.data };
  const parts: Record<string, unknown> = {};
  for (const [key, schema] of Object.entries(runSpecObject.shape)) {
    const part = schema.safeParse(specValue(input, key));
    if (part.success) parts[key] = part.data;
  }
  const { method, optimizer } = parts as Partial<RunSpec>;
  if (method && optimizer) parts.optimizer = withRates(method.type, optimizer);
  const issues = explained(parsed.error.issues, input);
  const once = new Map(issues.map((issue) => [`${issue.path} ${issue.code}`, issue]));
  return { issues: [...once.values()], notes, spec: null, parts: parts as Partial<RunSpec> };
}
