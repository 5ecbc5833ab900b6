/** Whether a model fits this machine, by the method that trains it. */
import { z } from 'zod';
import { methodTypes } from '../spec/methods.ts';

export const verdictSchema = z.enum(['fits', 'tight', 'does_not_fit']);
export type Verdict = z.infer<typeof verdictSchema>;

export const modelFitSchema = z.object({
  /** Of the first GPU, or of the CPU where there is none. */
  device: z.string(),
  availableBytes: z.number(),
  /** What the forecast takes: one rank, and sequences of this length, one in a micro-batch. */
  seqLen: z.number().int(),
  /** The one that takes least first; methods that this model cannot be trained with last. */
  methods: z.array(
    z.object({
      type: z.enum(methodTypes),
      title: z.string(),
      totalBytes: z.number().nullable(),
      verdict: verdictSchema.nullable(),
      /** Why the model cannot be trained with it. */
      refusal: z.string().nullable(),
    }),
  ),
});
export type ModelFit = z.infer<typeof modelFitSchema>;
