/** Specs side by side: groups of runs that differ in nothing but the seed, and the settings in which groups differ. Pure. */
import type { ComparisonView, SettingRow } from '../../shared/runs/comparison.ts';
import type { MadeChange } from '../../shared/runs/requests.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import {
  activeFields,
  type SpecField,
  specFields,
  specGroups,
  specValue,
} from '../../shared/spec/spec-fields.ts';
import type { RunFacts } from './facts.ts';
import { SETS_PATH, setSettings } from './set-settings.ts';

/** What makes runs of one group differ: who they are, not what they do. */
const OWN = new Set(['name', 'seed', 'hosts', 'threads']);

export interface Group {
  runs: RunFacts[];
}

/** A setting of a spec: its field, its value, and the value as a text that only equal values share. */
interface Setting {
  field: SpecField;
  value: unknown;
  json: string;
}

/** Specs never change, and a comparison looks at each setting of each of them many times. */
const known = new WeakMap<RunSpec, ReadonlyMap<string, Setting>>();

/** All settings that count, by path, in the order of the schema. */
export function activeSettings(spec: RunSpec): ReadonlyMap<string, Setting> {
  const before = known.get(spec);
  if (before) return before;
  const made = new Map(
    activeFields(spec).map((field) => {
      const value = specValue(spec, field.path);
      return [field.path, { field, value, json: canonical(value) }];
    }),
  );
  known.set(spec, made);
  return made;
}

/** JSON with the keys of records in order, so that 1 and "1" differ, {a, b} and {b, a} do not. */
function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${entries.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join()}}`;
}

/** What groups a run: the settings asked for, or all but its own. Runs that cannot be read stay alone. */
function keyOf(run: RunFacts, view: ComparisonView): string {
  if (run.spec === null || !view.grouped) return `run ${run.id}`;
  const { spec, changes } = run;
  if (view.group_by.length > 0)
    return JSON.stringify(view.group_by.map((path) => [path, specValue(spec, path) ?? null]));
  const settings = [...activeSettings(spec)]
    .filter(([path]) => !OWN.has(path))
    .map(([path, { json }]) => `${path}=${json}`);
  // Another learning rate on the way is another training, whatever the spec says.
  return [...settings, ...(changes.length > 0 ? [`changes=${changesText(changes)}`] : [])].join('\n');
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

/** A value as people read it. Numbers keep all their digits: 0.0001 and 1e-4 are one value, 1 and "1" are not. */
export function written(value: unknown, field?: SpecField): string {
  if (value === null || value === undefined || value === '') return 'none';
  if (typeof value === 'number') return String(value) + (field?.meta.unit ? ` ${field.meta.unit}` : '');
  if (typeof value === 'boolean') return value ? 'on' : 'off';
  if (Array.isArray(value)) return value.length > 0 ? value.map(listed).join(', ') : 'none';
  if (typeof value === 'object') return JSON.stringify(value);
  return field?.options?.find((option) => option.value === value)?.title ?? String(value);
}

/** Of records that have a name, that says enough in a list. */
const listed = (value: unknown): string => {
  const name = (value as { name?: unknown } | null)?.name;
  return typeof name === 'string' ? name : written(value);
};

const NO_CELL = { text: null, json: '' };

/** Values of one setting in a group, each once: in words, and to compare by; null: it has none of it. */
function cell(group: Group, path: string): { text: string | null; json: string } {
  const [first] = group.runs;
  if (first && group.runs.length === 1) {
    const setting = first.spec && activeSettings(first.spec).get(path);
    return setting ? { text: written(setting.value, setting.field), json: setting.json } : NO_CELL;
  }
  const found = new Map<string, string>();
  for (const { spec } of group.runs) {
    const setting = spec && activeSettings(spec).get(path);
    if (setting && !found.has(setting.json)) found.set(setting.json, written(setting.value, setting.field));
  }
  if (found.size === 0) return NO_CELL;
  return { text: [...found.values()].join(' | '), json: [...found.keys()].sort().join() };
}

/** One row for every setting that some group has, in the order of the form; those that differ know it. */
export function settingRows(groups: readonly Group[]): SettingRow[] {
  const titles = new Map(specGroups().map(({ path, meta }) => [path, meta.title]));
  const active = new Set(
    groups.flatMap(({ runs }) => runs.flatMap(({ spec }) => (spec ? [...activeSettings(spec).keys()] : []))),
  );
  active.delete('name'); // the heads of the columns say it
  const rows: SettingRow[] = [];
  for (const { path, group, key, meta } of specFields()) {
    if (!active.delete(path)) continue;
    const cells = groups.map((one) => cell(one, path));
    rows.push({
      section: titles.get(group) || 'General',
      path,
      title: meta.title || key,
      values: cells.map(({ text }) => text),
      differs: cells.some(({ json }) => json !== cells[0]?.json),
    });
    if (path === SETS_PATH) rows.push(...setRows(groups));
  }
  return [...rows, ...changeRows(groups)];
}

/** What was changed while runs trained, in words. */
export const changesText = (changes: readonly MadeChange[]): string =>
  changes
    .map(({ step, learning_rate, total_steps }) => {
      const what = [
        ...(learning_rate === undefined ? [] : [`learning rate ${learning_rate}`]),
        ...(total_steps === undefined ? [] : [`${total_steps} steps in all`]),
      ];
      return `after step ${step}: ${what.join(', ')}`;
    })
    .join('; ');

/** One row, where something was changed in some run. */
function changeRows(groups: readonly Group[]): SettingRow[] {
  if (groups.every(({ runs }) => runs.every(({ changes }) => changes.length === 0))) return [];
  const values = groups.map(({ runs }) =>
    [...new Set(runs.map(({ changes }) => changesText(changes) || 'nothing'))].join(' | '),
  );
  const title = 'Changed while it trained';
  return [{ section: 'While it trains', path: 'changes', title, values, differs: new Set(values).size > 1 }];
}

/** A row for every setting of every evaluation set that some group has. */
function setRows(groups: readonly Group[]): SettingRow[] {
  const values = groups.map(({ runs }) => {
    const found = new Map<string, Set<string>>();
    for (const { spec } of runs)
      for (const { path, value } of spec ? setSettings(spec) : [])
        found.set(path, (found.get(path) ?? new Set()).add(written(value)));
    return found;
  });
  const specs = groups.flatMap(({ runs }) => runs.flatMap(({ spec }) => spec ?? []));
  const all = new Map(specs.flatMap((spec) => setSettings(spec).map((one) => [one.path, one] as const)));
  return [...all.values()].map(({ path, set, title }) => {
    const texts = values.map((found) => {
      const own = found.get(path);
      return own ? [...own].join(' | ') : null;
    });
    return {
      section: `Evaluation set ${set}`,
      path,
      title: `${set}: ${title}`,
      values: texts,
      // Who has no such set differs by its name already.
      differs: new Set(texts.filter((text) => text !== null)).size > 1,
    };
  });
}

/** A number for every text of a value, so that specs are told apart by comparing numbers: a comparison looks at every pair of hundreds. */
const numbers = new Map<string, number>();
const codes = new WeakMap<RunSpec, Int32Array>();
let paths: readonly string[] | undefined;

/** All settings but the name, each once. */
function comparedPaths(): readonly string[] {
  paths ??= [...new Set(specFields().map(({ path }) => path))].filter((path) => path !== 'name');
  return paths;
}

/** The value of every compared setting as a number; 0: the spec has none. */
function codesOf(spec: RunSpec): Int32Array {
  const before = codes.get(spec);
  if (before) return before;
  const settings = activeSettings(spec);
  const made = Int32Array.from(comparedPaths(), (path) => {
    const json = settings.get(path)?.json;
    if (json === undefined) return 0;
    if (!numbers.has(json)) numbers.set(json, numbers.size + 1);
    return numbers.get(json) as number;
  });
  codes.set(spec, made);
  return made;
}

/** How many settings one spec has otherwise than another; no more than one over `most` are counted. */
export function countChanges(from: RunSpec, to: RunSpec, most: number): number {
  const [a, b] = [codesOf(from), codesOf(to)];
  let count = 0;
  for (let k = 0; k < a.length && count <= most; k++) if (a[k] !== b[k]) count += 1;
  return count;
}

/** Settings that one spec has otherwise than another, as paths, in the order of the schema. */
export function changedPaths(from: RunSpec, to: RunSpec): string[] {
  const [a, b] = [codesOf(from), codesOf(to)];
  return comparedPaths().filter((_, k) => a[k] !== b[k]);
}

/** "Learning rate 0.0002": how `to` differs from `from`. */
export function changeTexts(from: RunSpec, to: RunSpec): string[] {
  return changedPaths(from, to)
    .filter((path) => !OWN.has(path))
    .flatMap((path) => {
      if (path === SETS_PATH) return setChanges(from, to);
      const setting = activeSettings(to).get(path);
      if (!setting) return `no ${activeSettings(from).get(path)?.field.meta.title || path}`;
      return `${setting.field.meta.title || path} ${written(setting.value, setting.field)}`;
    });
}

/** "Evaluation set sums: Answer length 10 tokens", and sets that only one has. */
function setChanges(from: RunSpec, to: RunSpec): string[] {
  const names = (spec: RunSpec) => spec.evaluation.sets.map(({ name }) => name);
  const before = new Map(setSettings(from).map(({ path, value }) => [path, canonical(value)]));
  const changed = setSettings(to).filter(
    ({ path, set, value }) => names(from).includes(set) && before.get(path) !== canonical(value),
  );
  return [
    ...names(to).flatMap((name) => (names(from).includes(name) ? [] : [`evaluation set ${name}`])),
    ...names(from).flatMap((name) => (names(to).includes(name) ? [] : [`no evaluation set ${name}`])),
    ...changed.map(({ set, title, value }) => `evaluation set ${set}: ${title} ${written(value)}`),
  ];
}
