/**
 * What a run is evaluated on, besides the rows that it holds out: any number of named sets, each with its data, what is measured on it, when and
 * on how many rows. The engine computes losses or answers; scores are made of them by shared/evaluation.
 */
import { z } from 'zod';
import { textMetrics } from '../evaluation/text-metrics.ts';
import { int, meta } from './field-meta.ts';
import { mappingSchema } from './mapping.ts';
import { taskNames } from './tasks.ts';

const likelihood = z.strictObject({ type: z.literal('likelihood') }).meta(
  meta({
    title: 'Likelihood',
    help: 'How likely the model finds the given answers: loss, perplexity, bits per byte and token accuracy.',
  }),
);

const classification = z
  .strictObject({
    type: z.literal('classification'),
    labels: z
      .array(z.string().min(1))
      .max(200)
      .default([])
      .meta(
        meta({
          title: 'Labels',
          help: 'The answers to choose from. Empty: the different answers of the data, or those of the choices column.',
        }),
      ),
    choices: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .meta(
        meta({
          title: 'Choices column',
          help: "Optional column with a row's own choices, a list of texts. The answer is then one of them, its place counted from 0, or its letter.",
          control: 'column',
        }),
      ),
    normalize: z
      .enum(['none', 'tokens', 'characters'])
      .default('none')
      .meta(
        meta({
          title: 'Length normalization',
          help: 'The label of lowest loss is chosen: of the whole label, or per token or character of it, so that long labels are not at a disadvantage. Accuracy by characters is shown besides either way.',
        }),
      ),
  })
  .meta(
    meta({
      title: 'Classification',
      help: 'Chooses the label that the model finds most likely: accuracy, precision, recall, F1, calibration error.',
    }),
  );

const generation = z
  .strictObject({
    type: z.literal('generation'),
    metrics: z
      .array(z.enum(textMetrics.map(({ name }) => name)))
      .min(1)
      .default(['exact_match'])
      .meta(meta({ title: 'Metrics', help: 'What the answers are held against the references by.' })),
    max_new_tokens: int(1, 4096)
      .default(128)
      .meta(meta({ title: 'Answer length', help: 'Most tokens in an answer.', unit: 'tokens' })),
    stop: z
      .array(z.string().min(1))
      .max(16)
      .default([])
      .meta(
        meta({
          title: 'Stop texts',
          help: 'An answer ends before the first of these that it has.',
          advanced: true,
        }),
      ),
    pattern: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .meta(meta({ title: 'Pattern', help: 'Regular expression of the metric `regex`.', advanced: true })),
    json_schema: z
      .string()
      .min(1)
      .nullable()
      .default(null)
      .meta(
        meta({
          title: 'JSON Schema',
          help: 'The schema of the metric `json_schema`, as JSON text.',
          control: 'multiline',
          advanced: true,
        }),
      ),
    temperature: z
      .number()
      .min(0)
      .max(5)
      .default(0)
      .meta(
        meta({
          title: 'Temperature',
          help: '0: always the most likely token.',
          step: 0.1,
          advanced: true,
        }),
      ),
    answers: int(1, 64)
      .default(1)
      .meta(
        meta({
          title: 'Answers per prompt',
          help: 'Several give pass@k, the share of prompts with a right answer among the k, by the first of the metrics. They need a temperature above 0.',
          unit: 'answers',
          advanced: true,
        }),
      ),
    seed: int(0, 2_147_483_647)
      .default(42)
      .meta(
        meta({ title: 'Seed', help: 'Of sampled answers: the same seed, the same answers.', advanced: true }),
      ),
  })
  .meta(
    meta({
      title: 'Generation',
      help: 'Lets the model answer and holds the answers against the references.',
    }),
  );

export const evaluatorSchema = z.discriminatedUnion('type', [likelihood, classification, generation]);
export type EvaluatorSpec = z.infer<typeof evaluatorSchema>;

/** Names that mean something else among the sources of metrics. */
export const RESERVED_SET_NAMES: readonly string[] = ['eval', 'steps', 'cost'];

export const evaluationSetSchema = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/)
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
        help: 'For files of a public benchmark: columns, prompts and choices are those of lm-evaluation-harness, without a chat template. The evaluator is then classification.',
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
