/** When checkpoints are saved, which are kept, and when a run that improves no more ends. */
import { z } from 'zod';
import { int, meta } from './field-meta.ts';

export const checkpointSchema = z.strictObject({
  every_steps: int(0, 1_000_000)
    .default(100)
    .meta(
      meta({
        title: 'Checkpoint every',
        help: 'Optimizer steps between checkpoints. 0: at the end and when stopped only.',
        unit: 'steps',
      }),
    ),
  keep: int(1, 1000)
    .default(2)
    .meta(
      meta({
        title: 'Checkpoints to keep',
        help: 'Older checkpoints beyond this many are deleted. The last complete one never is.',
        unit: 'checkpoints',
        advanced: true,
      }),
    ),
  best_by: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]*\/[A-Za-z0-9_]+$/, 'a set and its metric, such as eval/loss')
    .nullable()
    .default(null)
    .meta(
      meta({
        title: 'Best by',
        help: 'A metric of an evaluated set, as `eval/loss` (held-out rows) or `sums/number_match`: the checkpoints of the best evaluations are kept.',
      }),
    ),
  best_is: z
    .enum(['lowest', 'highest'])
    .default('lowest')
    .meta(meta({ title: 'Best is', help: 'Whether the lowest or the highest value is best.' })),
  keep_best: int(1, 1000)
    .default(1)
    .meta(
      meta({
        title: 'Best to keep',
        help: 'So many of the best are kept besides the newest.',
        unit: 'checkpoints',
        advanced: true,
      }),
    ),
  patience: int(0, 1000)
    .default(0)
    .meta(
      meta({
        title: 'Patience',
        help: 'The run ends after so many evaluations without improvement of that metric. 0: it never ends early.',
        unit: 'evaluations',
        advanced: true,
      }),
    ),
  min_delta: z
    .number()
    .min(0)
    .max(1e6)
    .default(0)
    .meta(
      meta({
        title: 'Minimum improvement',
        help: 'A smaller change does not count as an improvement (`min_delta` of early stopping).',
        advanced: true,
        step: 0.01,
      }),
    ),
  restore_best: z
    .boolean()
    .default(false)
    .meta(
      meta({
        title: 'End with the best',
        help: 'At the end, checkpoints later than the best one are deleted, so that exports and the Playground take the best.',
        advanced: true,
      }),
    ),
});
