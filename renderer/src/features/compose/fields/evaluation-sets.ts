/** Changes of the evaluation sets in the form. Pure. */

import type { DatasetCard } from '../../../../../electron/shared/api/entities.ts';
import { textMetric } from '../../../../../electron/shared/evaluation/text-metrics.ts';
import { type SpecField, specValue } from '../../../../../electron/shared/spec/spec-fields.ts';
import { benchmarkEvaluator, taskEvaluator, taskNames } from '../../../../../electron/shared/spec/tasks.ts';
import { withValue } from '../../../../../electron/shared/spec/with-value.ts';
import { libraryRef } from '../../../store/compose.ts';

export type Entry = Readonly<Record<string, unknown>>;

/** A set to begin with: its name is free, the rest is to be chosen. */
export function newSet(sets: readonly Entry[]): Entry {
  const names = sets.map(({ name }) => name);
  let k = sets.length + 1;
  while (names.includes(`set-${k}`)) k += 1;
  return { name: `set-${k}`, evaluator: { type: 'likelihood' } };
}

/** Fields that a set has, the columns left out: those of its evaluator and its own. */
export function activeEntryFields({ fields = [] }: SpecField, set: Entry): SpecField[] {
  return fields.filter(({ path, when }) => {
    if (path.startsWith('mapping.')) return false;
    return !when || (specValue(set, when.path) ?? firstChoice[when.path]) === when.equals;
  });
}

/** The field with the choices that the set leaves: rows of IFEval have no reference to hold an answer against. */
export function offered(field: SpecField, set: Entry): SpecField {
  const task = taskNames.find((name) => name === set.task);
  if (field.path !== 'evaluator.metrics' || task === undefined || taskEvaluator(task) !== 'generation')
    return field;
  const options = (field.options ?? []).filter(({ value }) => !textMetric(value).reference);
  return { ...field, options };
}

/** What a set has that says nothing. */
const firstChoice: Readonly<Record<string, string>> = {
  'evaluator.type': 'likelihood',
  'evaluator.judge.type': 'none',
};

/** Another variant of a choice (`evaluator.type`, `evaluator.judge.type`), with its defaults. */
export function withVariant({ fields = [] }: SpecField, set: Entry, path: string, value: string): Entry {
  const own = fields.filter(
    ({ when, required }) => when?.path === path && when.equals === value && !required,
  );
  const bare = withValue(set, path.slice(0, path.lastIndexOf('.')), {
    [path.slice(path.lastIndexOf('.') + 1)]: value,
  });
  return own.reduce((made, field) => withValue(made, field.path, structuredClone(field.default)), bare);
}

/** Another evaluator, with its defaults. */
export const withEvaluator = (list: SpecField, set: Entry, type: string): Entry =>
  withVariant(list, set, 'evaluator.type', type);

/** A benchmark with the evaluator that its rows need; none leaves the evaluator as it is. */
export function withTask(list: SpecField, set: Entry, task: unknown): Entry {
  const known = taskNames.find((name) => name === task);
  if (known === undefined) return { ...set, task: null };
  const { type, ...own } = benchmarkEvaluator(known);
  const same = specValue(set, 'evaluator.type') === type;
  const changed = same && type === 'classification' ? set : withEvaluator(list, set, type);
  return { ...changed, task: known, evaluator: { ...(changed.evaluator as Entry), ...own } };
}

/** Columns that a mapping names. */
const named = (mapping: Entry): string[] =>
  Object.entries(mapping).flatMap(([key, value]) =>
    key !== 'kind' && typeof value === 'string' ? [value] : [],
  );

export const columnsHave = ({ columns }: DatasetCard, mapping: Entry): boolean =>
  named(mapping).every((name) => columns.some((column) => column.name === name));

const slug = (name: string) =>
  name
    .toLowerCase()
    .replace(/\.[a-z]+$/, '')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 36);

/** What was found in the data; else a prompt and an answer to be chosen. */
export const ownMapping = ({ mapping }: DatasetCard): Entry => mapping ?? { kind: 'prompt_answer' };

/** A name that no other set has. */
function free(name: string, others: readonly unknown[]): string {
  let [found, k] = [name, 2];
  while (others.includes(found)) {
    found = `${name}-${k}`;
    k += 1;
  }
  return found;
}

/** Other data: with columns of its own where it lacks those of the training data, and a name of its own where it had a made one. */
export function withData(
  set: Entry,
  data: unknown,
  datasets: readonly DatasetCard[],
  training: Entry | undefined,
  others: readonly unknown[],
): Entry {
  const card = datasets.find(({ id }) => libraryRef(id) === data);
  const made = typeof set.name === 'string' && /^set-\d+$/.test(set.name);
  const mapping = !card || (training && columnsHave(card, training)) ? null : ownMapping(card);
  const name = made && card && slug(card.name) !== '' ? free(slug(card.name), others) : set.name;
  return { ...set, name, data, mapping };
}
