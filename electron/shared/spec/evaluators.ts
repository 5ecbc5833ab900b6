/** What an evaluation set is measured by: how likely given answers are, which of several labels is chosen, or what the model answers. */
import { z } from 'zod';
import { textMetrics } from '../evaluation/text-metrics.ts';
import { int, meta } from './field-meta.ts';
import { judgeSchema } from './judge.ts';

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
      .enum(['none', 'tokens', 'characters', 'mutual_info'])
      .default('none')
      .meta(
        meta({
          title: 'Normalization',
          help: 'The label of lowest loss is chosen: of the whole label, or per token or character of it, so that long labels are not at a disadvantage; or `mutual_info`: less the loss that it has without the prompt, so that labels which are likely anyway are at no advantage (acc_mutual_info of lm-evaluation-harness). Accuracy by characters is shown besides either way.',
        }),
      ),
    neutral_prompt: z
      .string()
      .max(2000)
      .default('')
      .meta(
        meta({
          title: 'Neutral prompt',
          help: 'What stands in the place of the prompt for `mutual_info`, "Answer:" for instance. Empty: an empty question; in benchmarks nothing but the token that begins a text.',
          advanced: true,
        }),
      ),
    beta: z
      .number()
      .min(0.01)
      .max(100)
      .default(1)
      .meta(
        meta({
          title: 'Beta',
          help: 'Other than 1: F-beta besides F1, in which recall counts beta times as much as precision.',
          step: 0.5,
          advanced: true,
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
      .default(['exact_match'])
      .meta(
        meta({
          title: 'Metrics',
          help: 'What the answers are held against the references by. None will do with a judge; IFEval has metrics of its own and no references: none, or those that need none.',
        }),
      ),
    judge: judgeSchema.prefault({ type: 'none' }).meta(
      meta({
        title: 'Judge',
        help: 'Another language model that grades the answers, beside the metrics above. Off unless chosen.',
      }),
    ),
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
          help: '0: greedy decoding.',
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
