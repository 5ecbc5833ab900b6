/** Evaluating a checkpoint of a run, or a base model, at any time: a run that trains nothing. */
import { z } from 'zod';
import { id } from './common.ts';

export const evaluationMethods = {
  /** Returns once it has begun; the result is a run like any other. Fails with spec.invalid and all issues, checkpoint.not_found, run.not_found. */
  'evaluations.start': {
    params: z.object({
      /** A run's checkpoint (empty: the newest), or a base model of the library by `library:<id>` or its folder. */
      of: z.union([
        z.strictObject({ run: id, checkpoint: z.string().default('') }),
        z.strictObject({ model: z.string().min(1) }),
      ]),
      /** As `evaluation.sets` of a spec; null: those that the run has. */
      sets: z.array(z.unknown()).max(32).nullable(),
      /** The held-out rows of the run, where it has any. */
      heldOut: z.boolean().default(true),
      name: z.string().max(120).default(''),
      /** On top of the run's own, or of the defaults, as far as they have to do with evaluating. */
      settings: z
        .strictObject({
          device: z.enum(['cpu', 'cuda']).optional(),
          precision: z.enum(['bf16', 'fp32']).optional(),
          threads: z.number().int().optional(),
          seqLen: z.number().int().optional(),
          batchSize: z.number().int().optional(),
        })
        .default({}),
    }),
    result: z.object({ id: z.string() }),
  },
} as const;
