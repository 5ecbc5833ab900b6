/** Pure operations on the draft of a RunSpec: nested plain objects, changed by dotted path, never in place. */
import { startRate } from '../../../electron/shared/spec/method-traits.ts';
import type { MethodType } from '../../../electron/shared/spec/methods.ts';
import { RUN_SPEC_VERSION } from '../../../electron/shared/spec/run-spec.ts';
import {
  type SpecField,
  specFields,
  specValue,
  variantDefaults,
  variantMeta,
} from '../../../electron/shared/spec/spec-fields.ts';

export type Draft = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The draft with `value` at `path`; undefined removes the key. */
export function withValue(draft: Draft, path: string, value: unknown): Draft {
  const [head = '', ...rest] = path.split('.');
  const copy: Record<string, unknown> = { ...draft };
  if (rest.length > 0) {
    const inner = copy[head];
    copy[head] = withValue(isRecord(inner) ? inner : {}, rest.join('.'), value);
  } else if (value === undefined) delete copy[head];
  else copy[head] = value;
  return copy;
}

/** Every default of the schema, the first variant of each union, required fields left out. */
export function defaultDraft(): Draft {
  let draft: Draft = { schemaVersion: RUN_SPEC_VERSION };
  for (const field of specFields()) {
    if (field.kind === 'variant') {
      const first = field.options?.[0]?.value ?? '';
      if (field.when && specValue(draft, field.when.path) !== field.when.equals) continue;
      draft = withVariant(draft, field.path, first);
    } else if (!field.when && !field.required) {
      draft = withValue(draft, field.path, structuredClone(field.default));
    }
  }
  return draft;
}

/**
 * The draft with another variant chosen: its defaults, and of the old values those that were changed and that both variants
 * have. A learning rate that was left alone goes along with method and optimizer.
 */
export function withVariant(draft: Draft, path: string, variant: string): Draft {
  const group = path.slice(0, path.lastIndexOf('.'));
  const before = specValue(draft, group);
  const next = variantDefaults(path, variant);
  if (isRecord(before)) {
    const old = variantDefaults(path, String(specValue(draft, path)));
    const keys = new Set(
      specFields()
        .filter((f) => f.when?.path === path && f.when.equals === variant)
        .map((f) => f.key),
    );
    for (const [key, value] of Object.entries(before))
      if (keys.has(key) && !sameValue(value, old[key])) next[key] = value;
  }
  return withRate(draft, withValue(draft, group, next));
}

/** Keys of the rates of an optimizer. */
const rateKeys = (optimizer: unknown): string[] =>
  specFields()
    .filter(({ key, when }) => when?.path === 'optimizer.type' && when.equals === optimizer && isRate(key))
    .map(({ key }) => key);

const isRate = (key: string) => key.endsWith('learning_rate');

/** The learning rate that method and optimizer of a draft begin with; null without a method or an optimizer. */
function rateOf(draft: Draft, key: string): number | null {
  const [method, optimizer] = [specValue(draft, 'method.type'), specValue(draft, 'optimizer.type')];
  if (typeof method !== 'string' || typeof optimizer !== 'string') return null;
  if (!variantMeta('method.type', method) || !variantMeta('optimizer.type', optimizer)) return null;
  return startRate(method as MethodType, optimizer, key);
}

function withRate(before: Draft, after: Draft): Draft {
  const plain = variantDefaults('optimizer.type', String(specValue(before, 'optimizer.type')));
  return rateKeys(specValue(after, 'optimizer.type')).reduce((draft, key) => {
    const path = `optimizer.${key}`;
    const old = specValue(before, path);
    const untouched = old === undefined || old === plain[key] || old === rateOf(before, key);
    const rate = rateOf(after, key);
    return untouched && rate !== null ? withValue(draft, path, rate) : draft;
  }, after);
}

/** What a field of the form is set back to: its default, for learning rates the one of method and optimizer. */
export const defaultOf = (field: SpecField, draft: Draft): unknown =>
  field.group === 'optimizer' && isRate(field.key)
    ? (rateOf(draft, field.key) ?? field.default)
    : field.default;

/** `over` merged into `base`, objects key by key, anything else replaced. A changed variant replaces its whole group. */
export function mergeSpec(base: Draft, over: Draft): Draft {
  const merged: Record<string, unknown> = { ...base };
  for (const [key, value] of Object.entries(over)) {
    const old = merged[key];
    const tag = isRecord(value) ? (value.type ?? value.kind) : undefined;
    const oldTag = isRecord(old) ? (old.type ?? old.kind) : undefined;
    const sameShape = isRecord(old) && isRecord(value) && (tag === undefined || tag === oldTag);
    if (sameShape) merged[key] = mergeSpec(old, value);
    else if (isRecord(value) && typeof value.type === 'string' && isVariantPath(`${key}.type`))
      merged[key] = { ...variantDefaults(`${key}.type`, value.type), ...value };
    else merged[key] = value;
  }
  return merged;
}

const isVariantPath = (path: string) => specFields().some((f) => f.path === path && f.kind === 'variant');

/** Same JSON value. Order of keys does not count, order of lists does. */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b))
    return a.length === b.length && a.every((value, i) => sameValue(value, b[i]));
  if (isRecord(a) && isRecord(b)) {
    const keys = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...keys].every((key) => sameValue(a[key], b[key]));
  }
  return false;
}
