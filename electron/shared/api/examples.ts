/** The evaluated rows of a run at two of its evaluations, and one row at all of them. */
import { z } from 'zod';

const step = z.number().int().min(0);

/** What was found for a row at a step. */
export const foundSchema = z.object({
  scores: z.record(z.string(), z.number()),
  /** Generated, one or several. */
  answers: z.array(z.string()),
  /** What is to be said of the answers: instructions that they do not keep to, and what a judge said. */
  remarks: z.array(z.string()),
  /** Of a classification. */
  chosen: z.string().nullable(),
  probability: z.number().nullable(),
});
export type Found = z.infer<typeof foundSchema>;

export const exampleRowSchema = z.object({
  row: z.number().int(),
  id: z.string(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
  /** What is right: the answer, the right label, or the references. */
  expected: z.array(z.string()),
  left: foundSchema.nullable(),
  right: foundSchema.nullable(),
});
export type ExampleRow = z.infer<typeof exampleRowSchema>;

export const runExamplesSchema = z.object({
  /** Sets that have been evaluated, the held-out rows first. */
  sets: z.array(z.string()),
  set: z.string(),
  steps: z.array(step),
  left: step.nullable(),
  right: step.nullable(),
  /** Scores that rows have, the telling one first. */
  scores: z.array(z.string()),
  rows: z.array(exampleRowSchema),
});
export type RunExamples = z.infer<typeof runExamplesSchema>;

export const exampleHistorySchema = z.array(z.object({ step, found: foundSchema }));
export type ExampleHistory = z.infer<typeof exampleHistorySchema>;
