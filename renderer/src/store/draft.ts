/** Pure operations on the draft of a RunSpec: nested plain objects, changed by dotted path, never in place. */

import { recommendedRate } from '../../../electron/shared/spec/learning-rates.ts';
import type { MethodType } from '../../../electron/shared/spec/methods.ts';
import { RUN_SPEC_VERSION } from '../../../electron/shared/spec/migrate.ts';
import {
  type SpecField,
  specFields,
  specValue,
  variantDefaults,
  variantMeta,
} from '../../../electron/shared/spec/spec-fields.ts';
import { withValue } from '../../../electron/shared/spec/with-value.ts';

export type Draft = Readonly<Record<string, unknown>>;

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

export { withValue };

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
 * have.
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
  return withValue(draft, group, next);
}

/** What null stands for in a learning rate of this draft; null for any other field, and before method and optimizer are chosen. */
export function recommendedFor(field: SpecField, draft: Draft): number | null {
  if (field.meta.rateFactor === undefined) return null;
  const method = String(specValue(draft, 'method.type'));
  return variantMeta('method.type', method)
    ? recommendedRate(method as MethodType, field.when?.equals ?? '', field.key)
    : null;
}

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
