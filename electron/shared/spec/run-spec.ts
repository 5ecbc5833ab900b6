/**
 * RunSpec: everything that defines a training run. The one source of truth for the form (labels, help, units,
 * ranges), the CLI's `--set` paths, the JSON Schema and the docs table. TypeScript fills every default; the
 * engine has none and refuses unknown keys. Keys of hyperparameters are the field's terms in snake_case.
 *
 * What the engine cannot do is not in this schema. To parse is to resolve: what comes out holds every default, a number for every
 * learning rate, and is of the newest version, so that a spec means the same wherever it is read.
 */
import { z } from 'zod';
import { batchSchema, durationSchema, scheduleSchema } from './batch-fields.ts';
import { checkpointSchema } from './checkpoint-fields.ts';
import { datasetSchema } from './dataset-fields.ts';
import { evaluationSchema } from './evaluation-sets.ts';
import { int, meta } from './field-meta.ts';
import { withRates } from './learning-rates.ts';
import { mappingSchema } from './mapping.ts';
import { methodSchema } from './methods.ts';
import { migrateSpec, RUN_SPEC_VERSION } from './migrate.ts';
import { optimizerSchema } from './optimizers.ts';
import { hostsSchema, parallelSchema, recoverySchema } from './parallel-fields.ts';

export type { Mapping } from './mapping.ts';
export { mappingSchema };

/** Only the host reads it. */
export const callbacksSchema = z
  .array(z.string().min(1))
  .max(8)
  .default([])
  .meta(
    meta({
      title: 'Callbacks',
      help: 'Your own files (TypeScript or JavaScript) that run in processes beside the training. They are told of steps, evaluations, samples and checkpoints, and may log metrics or request what the monitor has buttons for. They have your rights, so each is approved once.',
      control: 'callbacks',
    }),
  );

export const samplingSchema = z.strictObject({
  prompts: z
    .array(z.string().min(1))
    .max(16)
    .default([])
    .meta(
      meta({
        title: 'Sample prompts',
        help: 'Answered at every evaluation, so that you see the model change.',
      }),
    ),
  max_new_tokens: int(1, 4096)
    .default(96)
    .meta(meta({ title: 'Sample length', help: 'Most tokens in a sample.', unit: 'tokens', advanced: true })),
});

/** Each computes again what those before it do. */
export const CHECKPOINTING_LEVELS = ['off', 'norms', 'mlp', 'attention', 'full'] as const;
export type CheckpointingLevel = (typeof CHECKPOINTING_LEVELS)[number];

/** As a user may write it. */
export const runSpecObject = z.strictObject({
  schemaVersion: z.literal(RUN_SPEC_VERSION).default(RUN_SPEC_VERSION),
  name: z
    .string()
    .max(120)
    .default('')
    .meta(
      meta({
        title: 'Name',
        help: 'What the run is called in lists and charts. Empty: made from model and dataset.',
      }),
    ),
  model: z
    .string()
    .min(1)
    .meta(
      meta({
        title: 'Model',
        help: 'A model of the library (`library:<id>`) or a path to a Hugging Face folder.',
        control: 'model',
      }),
    ),
  dataset: datasetSchema.meta(meta({ title: 'Dataset', help: '' })),
  method: methodSchema.meta(meta({ title: 'Method', help: 'Which weights are trained, and how.' })),
  optimizer: optimizerSchema.meta(meta({ title: 'Optimizer', help: 'The update rule.' })),
  schedule: scheduleSchema.prefault({}).meta(meta({ title: 'Schedule', help: '' })),
  batch: batchSchema.prefault({}).meta(meta({ title: 'Batch', help: '' })),
  duration: durationSchema.prefault({}).meta(meta({ title: 'Duration', help: '' })),
  precision: z
    .enum(['bf16', 'fp32'])
    .default('bf16')
    .meta(
      meta({
        title: 'Precision',
        help: 'Dtype of weights and activations while computing. Master weights are fp32 either way, and so are the states of optimizers that do not say otherwise.',
      }),
    ),
  quantization: z
    .enum(['none', 'nf4'])
    .default('none')
    .meta(
      meta({
        title: 'Quantization',
        help: 'nf4 (QLoRA) holds the linear layers of the frozen base in 4 bits, in blocks of 64 with double quantization: about a quarter of their memory, and somewhat slower. For methods that leave the base frozen; a merge goes into the 16-bit base.',
        paper: { title: 'QLoRA (2023)', url: 'https://arxiv.org/abs/2305.14314' },
      }),
    ),
  device: z
    .enum(['cpu', 'cuda'])
    .default('cpu')
    .meta(meta({ title: 'Device', help: 'Where the ranks compute.' })),
  threads: int(0, 1024)
    .default(0)
    .meta(
      meta({
        title: 'CPU threads',
        help: 'Threads per rank. 0: all cores, divided among the ranks of a machine.',
        advanced: true,
      }),
    ),
  max_grad_norm: z
    .number()
    .min(0)
    .max(1e6)
    .default(1)
    .meta(
      meta({
        title: 'Gradient clipping',
        help: 'The global gradient norm is scaled down to this. 0: no clipping.',
        step: 0.1,
      }),
    ),
  activation_checkpointing: z
    .enum(['auto', ...CHECKPOINTING_LEVELS])
    .default('auto')
    .meta(
      meta({
        title: 'Activation checkpointing',
        help: 'What the backward pass recomputes instead of keeping it, to save memory. norms: outputs of norms and of activation functions, at nearly no cost. mlp: the gate and up projections too. attention: queries, keys, values and attention too. full: all but the input of each layer, for about a third more time. auto: the first of these with which the run fits. The weights are the same to the bit.',
        paper: {
          title: 'Training Deep Nets with Sublinear Memory Cost (2016)',
          url: 'https://arxiv.org/abs/1604.06174',
        },
      }),
    ),
  seed: int(0, 2_147_483_647)
    .default(42)
    .meta(meta({ title: 'Seed', help: 'Same seed, same machine: the same run, bit for bit.' })),
  evaluation: evaluationSchema.prefault({}).meta(meta({ title: 'Evaluation', help: '' })),
  checkpoint: checkpointSchema.prefault({}).meta(meta({ title: 'Checkpoints', help: '' })),
  sampling: samplingSchema.prefault({}).meta(meta({ title: 'Samples', help: '' })),
  parallel: parallelSchema
    .prefault({})
    .meta(meta({ title: 'Parallel', help: 'How the run is laid out over ranks, one process each.' })),
  hosts: hostsSchema,
  recovery: recoverySchema.prefault({}).meta(meta({ title: 'Recovery', help: '' })),
  callbacks: callbacksSchema,
});

export const runSpecSchema = z.preprocess(
  (spec) => migrateSpec(spec).spec,
  runSpecObject.transform((spec) => ({ ...spec, optimizer: withRates(spec.method.type, spec.optimizer) })),
);

/** A complete spec, every default filled in. What spec.json holds. */
export type RunSpec = z.output<typeof runSpecSchema>;
/** What a user may write: only what differs from the defaults. */
export type RunSpecInput = z.input<typeof runSpecObject>;

/** One problem in a spec: where, what was received, what to do. The form shows it beside the field at `path`. */
export const specIssueSchema = z.object({
  /** Dotted path, e.g. `optimizer.learning_rate`; empty for the whole spec. */
  path: z.string(),
  code: z.string(),
  message: z.string(),
  received: z.unknown().optional(),
  suggestion: z.string().default(''),
});
export type SpecIssue = z.infer<typeof specIssueSchema>;

/** The global batch: what one optimizer step takes over all data-parallel ranks. `tokens`: at most. */
export function globalBatch({ batch, parallel }: Pick<RunSpec, 'batch' | 'parallel'>) {
  const sequences = batch.micro_batch_size * batch.grad_accum_steps * parallel.dp_size;
  return { sequences, tokens: sequences * batch.seq_len };
}
