/** What a live run can be asked for between two steps. */
import { z } from 'zod';

/**
 * save: a checkpoint. sample: answers to the sample prompts. evaluate: every evaluation set. pause and continue: the training is held with all its memory,
 * or goes on. end_epoch: it stops, and can be resumed, when the epoch is over.
 */
export const runRequests = ['save', 'sample', 'evaluate', 'pause', 'continue', 'end_epoch'] as const;
export type RunRequest = (typeof runRequests)[number];

/** Settings that a live run takes from its next step on; `changes.json` of its folder keeps them for every later attempt. */
export const runChangeSchema = z.object({
  /** The peak of the schedule. */
  learning_rate: z.number().gt(0).max(1).optional(),
  /** Where the run ends; the schedule is that of a run of so many steps from then on. */
  total_steps: z.number().int().min(1).max(1_000_000).optional(),
});
export type RunChange = z.infer<typeof runChangeSchema>;

/** One that was made: in force from the step after `step` on. */
export const madeChangeSchema = runChangeSchema.extend({ step: z.number().int().min(0) });
export type MadeChange = z.infer<typeof madeChangeSchema>;
/** changes.json of a run folder. */
export const changesFileSchema = z.object({ changes: z.array(madeChangeSchema) });
