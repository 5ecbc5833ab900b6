/** The settings of the evaluation sets of a spec one by one, as a list of records says nothing to who looks for what differs. Pure. */
import {
  type EvaluationSetSpec,
  evaluationSetSchema,
  evaluatorSchema,
} from '../../shared/spec/evaluation-sets.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';

export const SETS_PATH = 'evaluation.sets';

export interface SetSetting {
  /** `evaluation.sets.<name>.<key>` */
  path: string;
  set: string;
  title: string;
  value: unknown;
}

type Titled = Record<string, { meta: () => { title?: string } | undefined } | undefined>;

/** What the form calls a setting of an evaluator. */
export function evaluatorTitle(type: EvaluationSetSpec['evaluator']['type'], key: string): string {
  const shape = evaluatorSchema.options.find((option) => option.shape.type.value === type)?.shape;
  return (shape as Titled | undefined)?.[key]?.meta()?.title ?? key;
}

const setTitle = (key: string): string =>
  (evaluationSetSchema.shape as unknown as Titled)[key]?.meta()?.title ?? key;

export function setSettings(spec: RunSpec): SetSetting[] {
  return spec.evaluation.sets.flatMap(({ name, evaluator, ...set }) => {
    const { type, ...rules } = evaluator;
    const one = (key: string, title: string, value: unknown): SetSetting => ({
      path: `${SETS_PATH}.${name}.${key}`,
      set: name,
      title,
      value,
    });
    return [
      one('evaluator', setTitle('evaluator'), type),
      ...Object.entries(set).map(([key, value]) => one(key, setTitle(key), value)),
      ...Object.entries(rules).map(([key, value]) =>
        one(`evaluator.${key}`, evaluatorTitle(type, key), value),
      ),
    ];
  });
}
