/** A spec as groups of readable rows, in the order and words of the form. Pure. */
import type { RunSpec } from '../../../../electron/shared/spec/run-spec.ts';
import {
  activeFields,
  type SpecField,
  specGroups,
  specValue,
} from '../../../../electron/shared/spec/spec-fields.ts';
import { formatInteger, formatNumber } from '../../components/format.ts';

export interface SettingRow {
  path: string;
  title: string;
  value: string;
  help: string;
  /** Chosen by the user rather than left as it was. */
  changed: boolean;
}
export interface SettingGroup {
  title: string;
  rows: SettingRow[];
}

/** `level` of activation checkpointing that the newest attempt trains with. */
export function settingGroups(spec: RunSpec, level?: string): SettingGroup[] {
  const titles = new Map(specGroups().map((group) => [group.path, group.meta.title]));
  const groups = new Map<string, SettingRow[]>();
  for (const field of activeFields(spec)) {
    const title = titles.get(field.group) || 'General';
    const value = specValue(spec, field.path);
    const row = {
      path: field.path,
      title: field.meta.title || field.key,
      value:
        field.path === 'activation_checkpointing' && value === 'auto' && level !== undefined
          ? `${written(value, field)}: ${level}`
          : written(value, field),
      help: field.meta.help,
      changed: !field.required && JSON.stringify(value) !== JSON.stringify(field.default),
    };
    groups.set(title, [...(groups.get(title) ?? []), row]);
  }
  return [...groups].map(([title, rows]) => ({ title, rows }));
}

/** A value in the words of its field. */
export function written(value: unknown, field: SpecField): string {
  const unit = field.meta.unit ? ` ${field.meta.unit}` : '';
  if (value === null || value === undefined || value === '') return 'none';
  if (typeof value === 'number')
    return `${Number.isInteger(value) && Math.abs(value) < 1e9 ? formatInteger(value) : formatNumber(value)}${unit}`;
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (Array.isArray(value)) return value.length > 0 ? value.join(', ') : 'none';
  return field.options?.find((option) => option.value === value)?.title ?? String(value);
}

/** Nested records as dotted names with one value each, for environment.json. */
export function flatten(value: Readonly<Record<string, unknown>>, prefix = ''): [string, string][] {
  return Object.entries(value).flatMap(([key, inner]): [string, string][] => {
    const name = prefix ? `${prefix}.${key}` : key;
    if (Array.isArray(inner) && inner.every((v) => typeof v !== 'object' || v === null))
      return [[name, inner.join(', ')]];
    if (typeof inner === 'object' && inner !== null) return flatten(inner as Record<string, unknown>, name);
    return [[name, inner === null || inner === undefined ? 'unknown' : String(inner)]];
  });
}
