/** Optimizers: the update rules and their hyperparameters. Part of the RunSpec. */
import { z } from 'zod';
import { meta } from './field-meta.ts';

const adamwOptimizer = z
  .strictObject({
    type: z.literal('adamw'),
    learning_rate: z
      .number()
      .positive()
      .max(1)
      .default(2e-4)
      .meta(
        meta({
          title: 'Learning rate',
          help: 'Peak step size. LoRA likes 1e-4 to 5e-4, full fine-tuning 1e-5 to 5e-5.',
          scale: 'log',
        }),
      ),
    beta1: z
      .number()
      .min(0)
      .max(0.9999)
      .default(0.9)
      .meta(meta({ title: 'Beta 1', help: 'Decay of the mean of gradients.', advanced: true, step: 0.01 })),
    beta2: z
      .number()
      .min(0)
      .max(0.99999)
      .default(0.999)
      .meta(
        meta({
          title: 'Beta 2',
          help: 'Decay of the mean of squared gradients.',
          advanced: true,
          step: 0.001,
        }),
      ),
    eps: z
      .number()
      .positive()
      .max(1)
      .default(1e-8)
      .meta(meta({ title: 'Epsilon', help: 'Keeps the division finite.', advanced: true, scale: 'log' })),
    weight_decay: z
      .number()
      .min(0)
      .max(1)
      .default(0)
      .meta(
        meta({
          title: 'Weight decay',
          help: 'Pulls weights to zero, decoupled from the gradient. Norms are never decayed.',
          step: 0.01,
        }),
      ),
  })
  .meta(
    meta({
      title: 'AdamW',
      help: 'Adam with decoupled weight decay.',
      paper: { title: 'Decoupled weight decay (2017)', url: 'https://arxiv.org/abs/1711.05101' },
    }),
  );

export const optimizerSchema = z.discriminatedUnion('type', [adamwOptimizer]);

export type OptimizerSpec = z.infer<typeof optimizerSchema>;
