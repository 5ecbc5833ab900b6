/** What a sweep would do: its points with what is wrong with them, and what all of it takes. */
import { z } from 'zod';
import { specIssueSchema } from './run-spec.ts';

export const sweepPreviewSchema = z.object({
  points: z.array(
    z.object({
      /** Swept settings by path. */
      values: z.record(z.string(), z.unknown()),
      /** How often the sweep makes the same point once more: it counts once. */
      again: z.number().int(),
      /** New runs of it: one a seed. */
      runs: z.number().int(),
      issues: z.array(specIssueSchema),
      /** Of one of its runs; null: not known. */
      seconds: z.number().nullable(),
      memoryBytes: z.number().nullable(),
    }),
  ),
  duplicates: z.number().int(),
  excluded: z.number().int(),
  /** Runs that the sweep has already. */
  present: z.number().int(),
  /** Runs of the points without issues. */
  runs: z.number().int(),
  /** One after another; null: not known for all. */
  totalSeconds: z.number().nullable(),
  mostMemoryBytes: z.number().nullable(),
});
export type SweepPreview = z.infer<typeof sweepPreviewSchema>;
