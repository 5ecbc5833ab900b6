/** How long and in which batches is trained, and how the learning rate goes. Part of the RunSpec. */
import { z } from 'zod';
import { int, meta } from './field-meta.ts';

export const scheduleSchema = z.strictObject({
  type: z
    .enum(['cosine', 'linear', 'constant'])
    .default('cosine')
    .meta(meta({ title: 'Schedule', help: 'How the learning rate falls after the warm-up.' })),
  warmup_ratio: z
    .number()
    .min(0)
    .max(1)
    .default(0.05)
    .meta(
      meta({
        title: 'Warm-up',
        help: 'Share of all steps in which the learning rate rises from zero.',
        step: 0.01,
      }),
    ),
  min_lr_ratio: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .meta(
      meta({
        title: 'Minimum LR ratio',
        help: 'The learning rate ends at this share of its peak.',
        advanced: true,
        step: 0.05,
      }),
    ),
});

export const batchSchema = z.strictObject({
  micro_batch_size: int(1, 1024)
    .default(4)
    .meta(
      meta({
        title: 'Batch size',
        help: 'Sequences a rank forwards at once. Decides the memory of activations.',
        unit: 'sequences',
      }),
    ),
  grad_accum_steps: int(1, 4096)
    .default(2)
    .meta(
      meta({
        title: 'Gradient accumulation',
        help: 'Micro-batches that each data-parallel rank accumulates in one optimizer step.',
        unit: 'micro-batches',
        beside: 'global_batch',
      }),
    ),
  seq_len: int(8, 131072)
    .default(512)
    .meta(
      meta({ title: 'Sequence length', help: 'Most tokens in one sequence.', unit: 'tokens', scale: 'log' }),
    ),
  packing: z
    .boolean()
    .default(false)
    .meta(
      meta({
        title: 'Packing',
        help: 'Fill each sequence with several rows. Attention never crosses rows, so it changes how many rows make a step, not what is learned from one. There is never padding, with or without it.',
      }),
    ),
});

export const durationSchema = z.strictObject({
  unit: z
    .enum(['epochs', 'steps'])
    .default('epochs')
    .meta(meta({ title: 'Train for', help: 'Passes over the data, or optimizer steps.' })),
  value: z
    .number()
    .positive()
    .max(1_000_000)
    .default(1)
    .meta(meta({ title: 'Duration', help: 'Epochs (fractions allowed) or whole steps.' })),
});
