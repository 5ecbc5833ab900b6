/** Which rows are trained on, and how they are read. Part of the RunSpec. */
import { z } from 'zod';
import { meta } from './field-meta.ts';
import { mappingSchema } from './mapping.ts';

export const datasetSchema = z.strictObject({
  train: z
    .string()
    .min(1)
    .meta(
      meta({
        title: 'Training data',
        help: 'A dataset of the library (`library:<id>`) or a path to a JSONL, JSON, CSV or Parquet file.',
        control: 'dataset',
      }),
    ),
  eval: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta(
      meta({
        title: 'Evaluation data',
        help: 'Held-out rows, never trained on. Leave empty to split some off the training data.',
        control: 'dataset',
      }),
    ),
  eval_fraction: z
    .number()
    .min(0)
    .max(0.5)
    .default(0.05)
    .meta(
      meta({
        title: 'Held-out share',
        help: 'Without evaluation data, this share of the training rows is held out. 0 turns evaluation off.',
        step: 0.01,
      }),
    ),
  mapping: mappingSchema.meta(meta({ title: 'Columns', help: 'Which columns hold what.' })),
  system_prompt: z
    .string()
    .default('')
    .meta(
      meta({
        title: 'System message',
        help: 'Put before every conversation that has none of its own. Empty: none is added, though some chat templates bring their own.',
        advanced: true,
        control: 'multiline',
      }),
    ),
  too_long: z
    .enum(['drop', 'truncate'])
    .default('truncate')
    .meta(
      meta({
        title: 'Rows over the length limit',
        help: 'Rows with more tokens than the sequence length are truncated at the end, or dropped. The log says how many.',
        advanced: true,
      }),
    ),
  unusable_rows: z
    .enum(['refuse', 'leave_out'])
    .default('refuse')
    .meta(
      meta({
        title: 'Unusable rows',
        help: 'Rows without an answer (null or blank), or that the chat template refuses: the run is refused with their number, or they are left out. The preview and the log say how many, and why.',
        advanced: true,
      }),
    ),
});
