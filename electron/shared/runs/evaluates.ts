/** evaluates.json: which model a run evaluates that trains none. A run folder without it is a training. */
import { z } from 'zod';

export const evaluatesSchema = z.object({
  v: z.literal(1),
  /** The run whose checkpoint is evaluated, and the checkpoint; null: the base model as it is. */
  of: z.object({ run: z.string(), checkpoint: z.string() }).nullable(),
  /** Whether the held-out rows of that run are evaluated beside the named sets. */
  held_out: z.boolean(),
});
export type Evaluates = z.infer<typeof evaluatesSchema>;
