/** Evaluated rows of two groups of runs side by side: what is asked of the host, and what it answers. */
import { z } from 'zod';
import { evalRowSchema } from './evaluation-rows.ts';

export const comparedExampleSchema = z.object({
  id: z.string(),
  conversation: z.string(),
  messages: evalRowSchema.shape.messages,
  tokens: z.number().int(),
  /** By the metric that was asked for, mean over the runs of the baseline and of the candidate. */
  baseline: z.number(),
  candidate: z.number(),
  outcome: z.enum(['won', 'lost', 'tied']),
});
export type ComparedExample = z.infer<typeof comparedExampleSchema>;

const sliceSchema = z.object({
  title: z.string(),
  rows: z.number().int(),
  difference: z.number(),
  won: z.number().int(),
  lost: z.number().int(),
});

const rowMetricSchema = z.object({
  name: z.string(),
  title: z.string(),
  unit: z.string(),
  better: z.enum(['lower', 'higher']),
});
export type RowMetric = z.infer<typeof rowMetricSchema>;

export const examplesSchema = z.object({
  /** Why there are none; null: there are. */
  problem: z.string().nullable(),
  /** Why the rows say less than they seem to. */
  notes: z.array(z.string()),
  /** Evaluated rows that one of the two has, the held-out ones (`eval`) first. */
  sets: z.array(z.string()),
  set: z.string(),
  /** What each row has a value of, the telling one first. */
  metrics: z.array(rowMetricSchema),
  metric: rowMetricSchema.nullable(),
  won: z.number().int(),
  lost: z.number().int(),
  tied: z.number().int(),
  examples: z.array(comparedExampleSchema),
  slices: z.array(sliceSchema),
  /** Of the dataset, to slice by; empty where it is gone. */
  columns: z.array(z.string()),
});
export type Examples = z.infer<typeof examplesSchema>;

/** What one run made of a row. */
export const rowOutputSchema = z.object({
  run: z.string(),
  name: z.string(),
  step: z.number().int(),
  /** Generated, one or several. */
  answers: z.array(z.object({ text: z.string(), finish: z.enum(['stop', 'length']) })),
  /** Of a classification. */
  chosen: z.string().nullable(),
  probability: z.number().nullable(),
  /** By metric. */
  scores: z.record(z.string(), z.number()),
});
export type RowOutput = z.infer<typeof rowOutputSchema>;

/** One row with what every run of both groups made of it. */
export const openedExampleSchema = z.object({
  id: z.string(),
  /** Up to what is to be answered. */
  messages: evalRowSchema.shape.messages,
  /** What is right: the answer, the right label, or the references. */
  expected: z.array(z.string()),
  metrics: z.array(rowMetricSchema),
  baseline: z.array(rowOutputSchema),
  candidate: z.array(rowOutputSchema),
});
export type OpenedExample = z.infer<typeof openedExampleSchema>;

/** A candidate on one set, for files and terminals: counts by metric, slices by length, and the most telling rows opened. */
export const exampleSummarySchema = z.object({
  candidate: z.string(),
  set: z.string(),
  problem: z.string().nullable(),
  notes: z.array(z.string()),
  metrics: z.array(
    rowMetricSchema.extend({
      rows: z.number().int(),
      won: z.number().int(),
      lost: z.number().int(),
      tied: z.number().int(),
    }),
  ),
  /** By the first metric. */
  slices: z.array(sliceSchema),
  rows: z.array(openedExampleSchema.extend({ outcome: z.enum(['won', 'lost']) })),
});
export type ExampleSummary = z.infer<typeof exampleSummarySchema>;
