/**
 * A sweep that was queued: `sweeps/<id>/sweep.json` of the library. It says which runs it has; what became of them is in their folders.
 */
import { z } from 'zod';
import { spentSchema } from '../spec/sweep-budget.ts';

/** sweep: made from a sweep file or by clicking. The others are the studies of docs/studies.md. */
export const sweepKindSchema = z.enum(['sweep', 'memory', 'throughput', 'quality']);
export type SweepKind = z.infer<typeof sweepKindSchema>;

export const sweepRunSchema = z.object({
  id: z.string(),
  /** Swept settings by path. */
  values: z.record(z.string(), z.unknown()),
  /** null: that of the spec. */
  seed: z.number().int().nullable(),
});
export type SweepRun = z.infer<typeof sweepRunSchema>;

export const sweepRecordSchema = z.object({
  v: z.literal(1),
  id: z.string(),
  kind: sweepKindSchema,
  name: z.string(),
  createdAt: z.string(),
  /** What was asked for, as it was written: a sweep (shared/spec/sweep.ts) or a study. */
  definition: z.unknown(),
  /** In the order of its points, later additions behind. */
  runs: z.array(sweepRunSchema),
  /** Folders beside this file from which runs move to `runs/`. A folder that is not named here was never finished. */
  additions: z.array(z.string()),
});
export type SweepRecord = z.infer<typeof sweepRecordSchema>;

/** Of a sweep that has one (shared/spec/sweep-budget.ts). */
export const sweepBudgetSchema = z.object({
  hours: z.number().nullable(),
  tokens: z.number().nullable(),
  spent: spentSchema,
  /** Nothing more is started, and what trains is stopped. */
  over: z.boolean(),
});
export type SweepBudget = z.infer<typeof sweepBudgetSchema>;

/** What lists show of it. */
export const sweepCardSchema = sweepRecordSchema
  .pick({ id: true, kind: true, name: true, createdAt: true, runs: true })
  .extend({ budget: sweepBudgetSchema.nullable() });
export type SweepCard = z.infer<typeof sweepCardSchema>;

/** The same point with the same seed: not trained twice. */
export const runKey = (values: Readonly<Record<string, unknown>>, seed: number | null): string =>
  JSON.stringify([Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)), seed]);

/** "learning_rate 0.0002, rank 8": a point by the last parts of its paths. */
export const pointName = (values: Readonly<Record<string, unknown>>): string =>
  Object.entries(values)
    .map(([path, value]) => {
      const key = path.endsWith('.type') ? path.split('.').at(-2) : path.split('.').at(-1);
      return `${key} ${typeof value === 'string' ? value.split('/').at(-1) : JSON.stringify(value)}`;
    })
    .join(', ');
