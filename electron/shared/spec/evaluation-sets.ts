/**
 * What a run is evaluated on, besides the rows that it holds out: any number of named sets, each with its data, what is measured on it, when and
 * on how many rows. The engine computes losses or answers; scores are made of them by shared/evaluation.
 */
import { z } from 'zod';
import { FOLLOWED_METRICS } from '../evaluation/ifeval/follow.ts';
import { type EvaluatorSpec, evaluatorSchema } from './evaluators.ts';
import { int, meta } from './field-meta.ts';
import type { JudgeEndpoint } from './judge.ts';
import { mappingSchema } from './mapping.ts';
import { taskEvaluator, taskNames } from './tasks.ts';

export { type EvaluatorSpec, evaluatorSchema } from './evaluators.ts';

/** Names that mean something else among the sources of metrics. */
export const RESERVED_SET_NAMES: readonly string[] = ['eval', 'steps', 'cost'];

export const evaluationSetSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'small letters, digits, - and _, at most 40, the first no sign')
    .refine((name) => !RESERVED_SET_NAMES.includes(name))
    .meta(
      meta({
        title: 'Name',
        help: 'What the set is called in charts and files: small letters, digits, `-` and `_`.',
      }),
    ),
  data: z
    .string()
    .min(1)
    .meta(
      meta({
        title: 'Data',
        help: 'A dataset of the library (`library:<id>`) or a path to a JSONL, JSON, CSV or Parquet file.',
        control: 'dataset',
      }),
    ),
  task: z
    .enum(taskNames)
    .nullable()
    .default(null)
    .meta(
      meta({
        title: 'Benchmark format',
        help: 'For files of a public benchmark: columns, prompts and choices are those of lm-evaluation-harness, without a chat template; the evaluator is then classification. IFEval asks in the chat template and needs generation.',
      }),
    ),
  mapping: mappingSchema
    .nullable()
    .default(null)
    .meta(meta({ title: 'Columns', help: 'Which columns hold what. Left out: as in the training data.' })),
  evaluator: evaluatorSchema
    .prefault({ type: 'likelihood' })
    .meta(meta({ title: 'Evaluator', help: 'What is measured.' })),
  every_steps: int(0, 1_000_000)
    .nullable()
    .default(null)
    .meta(
      meta({
        title: 'Evaluate every',
        help: 'Optimizer steps between evaluations. 0: at the start and the end only. Left out: as the held-out rows.',
        unit: 'steps',
      }),
    ),
  max_rows: int(1, 1_000_000)
    .default(256)
    .meta(
      meta({
        title: 'Rows',
        help: 'At most this many rows, chosen by what they say: the same ones in every run.',
        unit: 'rows',
      }),
    ),
});
export type EvaluationSetSpec = z.infer<typeof evaluationSetSchema>;

/** What is computed for a set: a benchmark's rows are what they are, whatever its evaluator. */
export const kindOfSet = ({ task, evaluator }: EvaluationSetSpec): EvaluatorSpec['type'] =>
  task === null ? evaluator.type : taskEvaluator(task);

/** Who grades its answers; null: nobody. */
export const judgeOf = ({ evaluator }: EvaluationSetSpec): JudgeEndpoint | null =>
  evaluator.type === 'generation' && evaluator.judge.type === 'endpoint' ? evaluator.judge : null;

/** What its answers are scored by, one by one. The first tells which answer is right. */
export function answerMetrics(set: EvaluationSetSpec): string[] {
  const { task, evaluator } = set;
  const own = evaluator.type === 'generation' ? evaluator.metrics : [];
  const followed = task !== null && taskEvaluator(task) === 'generation' ? FOLLOWED_METRICS : [];
  return [...followed, ...own, ...(judgeOf(set) ? ['judge'] : [])];
}

export const evaluationSchema = z.strictObject({
  every_steps: int(0, 1_000_000)
    .default(0)
    .meta(
      meta({
        title: 'Evaluate every',
        help: 'Optimizer steps between evaluations. 0: at the start and the end only.',
        unit: 'steps',
      }),
    ),
  max_rows: int(1, 1_000_000)
    .default(256)
    .meta(
      meta({
        title: 'Evaluation rows',
        help: 'At most this many held-out rows.',
        unit: 'rows',
        advanced: true,
      }),
    ),
  sets: z
    .array(evaluationSetSchema)
    .max(32)
    .default([])
    .meta(
      meta({
        title: 'Evaluation sets',
        help: 'What the model is evaluated on besides the held-out rows: before the first step, on schedule and at the end.',
        control: 'evaluation_sets',
      }),
    ),
});
