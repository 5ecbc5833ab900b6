/** Specs side by side: groups of runs that differ in nothing but the seed, and the settings in which groups differ. Pure. */
import { isDeepStrictEqual } from 'node:util';
import type { ComparisonView, SettingRow } from '../../shared/runs/comparison.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import {
  activeFields,
  type SpecField,
  specFields,
  specGroups,
  specValue,
} from '../../shared/spec/spec-fields.ts';
import type { RunFacts } from './facts.ts';

/** What makes runs of one group differ: who they are, not what they do. */
const OWN = new Set(['name', 'seed', 'hosts', 'threads']);

export interface Group {
  runs: RunFacts[];
}

/** `path` and value of all settings that count, in the order of the schema. */
export function activeSettings(spec: RunSpec): Map<string, unknown> {
  return new Map(activeFields(spec).map(({ path }) => [path, specValue(spec, path)]));
}

/** What groups a run: the settings asked for, or all but its own. Runs that cannot be read stay alone. */
function keyOf(run: RunFacts, view: ComparisonView): string {
  if (run.spec === null || !view.grouped) return `run ${run.id}`;
  const { spec } = run;
  if (view.group_by.length > 0)
    return JSON.stringify(view.group_by.map((path) => [path, specValue(spec, path) ?? null]));
  return JSON.stringify([...activeSettings(spec)].filter(([path]) => !OWN.has(path)));
}

/** In the order of the view. */
export function groupsOf(runs: readonly RunFacts[], view: ComparisonView): Group[] {
  const groups = new Map<string, Group>();
  for (const run of runs) {
    const key = keyOf(run, view);
    const group = groups.get(key);
    if (group) group.runs.push(run);
    else groups.set(key, { runs: [run] });
  }
  return [...groups.values()];
}

const fieldAt = (spec: RunSpec, path: string): SpecField | undefined =>
  activeFields(spec).find((field) => field.path === path);

/** A value as people read it. Numbers keep all their digits: 0.0001 and 1e-4 are one value, 1 and "1" are not. */
export function written(value: unknown, field?: SpecField): string {
  if (value === null || value === undefined || value === '') return 'none';
  if (typeof value === 'number') return String(value) + (field?.meta.unit ? ` ${field.meta.unit}` : '');
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (Array.isArray(value)) return value.length > 0 ? value.map((one) => written(one)).join(', ') : 'none';
  if (typeof value === 'object') return JSON.stringify(value);
  return field?.options?.find((option) => option.value === value)?.title ?? String(value);
}

/** Values of one setting in a group, each once, in words; null: it has none of it. */
function cell(group: Group, path: string): { text: string | null; value: unknown } {
  const found = group.runs.flatMap(({ spec }) => {
    const field = spec && fieldAt(spec, path);
    return field ? [{ value: specValue(spec, path), text: written(specValue(spec, path), field) }] : [];
  });
  if (found.length === 0) return { text: null, value: undefined };
  const texts = [...new Set(found.map(({ text }) => text))];
  const same = found.every(({ value }) => isDeepStrictEqual(value, found[0]?.value));
  return { text: texts.join(' | '), value: same ? found[0]?.value : found.map(({ value }) => value) };
}

/** One row for every setting that some group has, in the order of the form; those that differ know it. */
export function settingRows(groups: readonly Group[]): SettingRow[] {
  const titles = new Map(specGroups().map(({ path, meta }) => [path, meta.title]));
  const active = groups.map(
    ({ runs }) => new Set(runs.flatMap(({ spec }) => (spec ? [...activeSettings(spec).keys()] : []))),
  );
  const rows: SettingRow[] = [];
  const seen = new Set<string>();
  for (const { path, group, key, meta } of specFields()) {
    if (seen.has(path) || !active.some((paths) => paths.has(path))) continue;
    seen.add(path);
    const cells = groups.map((one) => cell(one, path));
    rows.push({
      section: titles.get(group) || 'General',
      path,
      title: meta.title || key,
      values: cells.map(({ text }) => text),
      differs: cells.some(({ value }) => !isDeepStrictEqual(value, cells[0]?.value)),
    });
  }
  return rows;
}

/** Settings that one spec has otherwise than another, as paths; what makes them differ by nature is left out. */
export function changedPaths(from: RunSpec, to: RunSpec): string[] {
  const [a, b] = [activeSettings(from), activeSettings(to)];
  return [...new Set([...a.keys(), ...b.keys()])].filter(
    (path) => path !== 'name' && !isDeepStrictEqual(a.get(path), b.get(path)),
  );
}

/** "Learning rate 0.0002": how `to` differs from `from`. */
export function changeTexts(from: RunSpec, to: RunSpec): string[] {
  return changedPaths(from, to)
    .filter((path) => !OWN.has(path))
    .map((path) => {
      const field = fieldAt(to, path);
      const title = field?.meta.title || path;
      return field
        ? `${title} ${written(specValue(to, path), field)}`
        : `no ${fieldAt(from, path)?.meta.title ?? path}`;
    });
}
