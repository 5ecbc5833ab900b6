/** Comparing runs: what is asked (a view, saved in the library) and what the host answers. */
import { z } from 'zod';
import { errorInfoSchema } from '../error-info.ts';
import { DEFAULT_SET } from './event-line.ts';
import { runStates } from './events.ts';

export const MAX_COMPARED = 500;
/** Where values come from that no evaluated set has: the steps of the training. */
export const STEPS_SOURCE = 'steps';
/** What was measured of the machine: no set can be called so. */
export const MACHINE_SOURCE = 'machine:';

/** Which of the measured values of a run is its result. One rule for all results of a comparison. */
export const resultRuleSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('last') }),
  z.object({ kind: z.literal('best') }),
  z.object({ kind: z.literal('mean_last'), count: z.number().int().min(2).max(1000) }),
  /** The last value within what the run with the fewest tokens (seconds) had. */
  z.object({ kind: z.literal('equal_tokens') }),
  z.object({ kind: z.literal('equal_time') }),
]);
export type ResultRule = z.infer<typeof resultRuleSchema>;

const runId = z.string().min(1).max(200);

/** What is compared, and how. */
export const comparisonViewSchema = z.object({
  runs: z.array(runId).max(MAX_COMPARED),
  /** Settings that make a group; empty: runs that differ in nothing but the seed. */
  group_by: z.array(z.string()).default([]),
  grouped: z.boolean().default(true),
  /** A run of the baseline; null: the first. */
  baseline: runId.nullable().default(null),
  pinned: z.array(runId).default([]),
  rule: resultRuleSchema.default({ kind: 'last' }),
  /** Which evaluation's rows the verdict reads. */
  record: z.enum(['last', 'best', 'first']).default('last'),
});
export type ComparisonView = z.infer<typeof comparisonViewSchema>;
export type ComparisonViewInput = z.input<typeof comparisonViewSchema>;

export const savedComparisonSchema = z.object({
  v: z.literal(1),
  id: z.string(),
  name: z.string(),
  createdAt: z.string(),
  updatedAt: z.string(),
  view: comparisonViewSchema,
});
export type SavedComparison = z.infer<typeof savedComparisonSchema>;

const lineageSchema = z.object({
  kind: z.enum(['resumed', 'continued', 'changed']),
  /** The run it comes from; null: itself, or one that is not there any more. */
  from: z.string().nullable(),
  text: z.string(),
});

export const comparedRunSchema = z.object({
  id: z.string(),
  name: z.string(),
  state: z.enum(runStates),
  step: z.number().int(),
  totalSteps: z.number().int().nullable(),
  seed: z.number().int().nullable(),
  createdAt: z.string(),
  /** Why something of it is missing; null: all is there. */
  problem: errorInfoSchema.nullable(),
  lineage: z.array(lineageSchema),
});
export type ComparedRun = z.infer<typeof comparedRunSchema>;

export const comparedGroupSchema = z.object({
  /** Its first run. */
  key: z.string(),
  title: z.string(),
  runs: z.array(z.string()),
  baseline: z.boolean(),
  pinned: z.boolean(),
  /** What it has otherwise than the baseline: "Learning rate 2e-4". */
  changes: z.array(z.string()),
});
export type ComparedGroup = z.infer<typeof comparedGroupSchema>;

export const settingRowSchema = z.object({
  section: z.string(),
  path: z.string(),
  title: z.string(),
  /** A text for each group; null: it has no such setting. */
  values: z.array(z.string().nullable()),
  differs: z.boolean(),
});
export type SettingRow = z.infer<typeof settingRowSchema>;

const resultCellSchema = z.object({
  mean: z.number(),
  /** null for one run. */
  sd: z.number().nullable(),
  n: z.number().int(),
  /** To the baseline; null for itself. */
  delta: z.number().nullable(),
  /** Of the delta; null where neither way is better. */
  better: z.boolean().nullable(),
});

export const resultRowSchema = z.object({
  metric: z.string(),
  /** steps, or the name of an evaluated set. */
  source: z.string(),
  title: z.string(),
  unit: z.string(),
  better: z.enum(['lower', 'higher']).nullable(),
  kind: z.enum(['quality', 'cost']),
  values: z.array(resultCellSchema.nullable()),
});
export type ResultRow = z.infer<typeof resultRowSchema>;
export type ResultCell = z.infer<typeof resultCellSchema>;

export const outcomes = ['better', 'worse', 'no_difference', 'not_comparable'] as const;

/** What the outcome of a verdict is called, at the beginning of a line. */
export const outcomeTitles: Record<(typeof outcomes)[number], string> = {
  better: 'Better',
  worse: 'Worse',
  no_difference: 'No difference seen',
  not_comparable: 'Not comparable',
};

const testedSchema = z.object({
  metric: z.string(),
  title: z.string(),
  unit: z.string(),
  better: z.enum(['lower', 'higher']),
  /** Of this metric alone: rows and seeds both agree, or no difference is seen. */
  outcome: z.enum(['better', 'worse', 'no_difference']),
  difference: z.number(),
  low: z.number().nullable(),
  high: z.number().nullable(),
  p: z.number(),
  /** After Holm's correction over all metrics and candidates. */
  adjusted: z.number(),
  /** The smallest difference that would have been seen with a chance of 80 %. */
  detectable: z.number().nullable(),
  test: z.string(),
  /** The level of seeds: of so many; null where one of the two was trained once. */
  seeds: z.object({ n: z.number().int(), p: z.number(), difference: z.number() }).nullable(),
});
export type Tested = z.infer<typeof testedSchema>;

export const verdictSchema = z.object({
  candidate: z.string(),
  /** The evaluated rows that it is about: `eval` (the held-out rows), or a named set. */
  set: z.string(),
  /** Of its telling metric: that of the first test. */
  outcome: z.enum(outcomes),
  /** The verdict in words. */
  sentence: z.string(),
  /** What to know with it. */
  notes: z.array(z.string()),
  rows: z.number().int(),
  conversations: z.number().int(),
  /** One a metric, the telling one first. */
  tests: z.array(testedSchema),
  seedNoise: z.enum(['known', 'unknown']),
});
export type Verdict = z.infer<typeof verdictSchema>;

/** What a candidate is called better or worse by: the first of its sets that can be compared. */
export const leadOf = (verdicts: readonly Verdict[]): Verdict | undefined =>
  verdicts.find(({ outcome }) => outcome !== 'not_comparable') ?? verdicts[0];

/** What evaluated rows are called. */
export const evaluatedTitle = (set: string): string => (set === DEFAULT_SET ? 'Held-out rows' : set);

export const comparisonReportSchema = z.object({
  view: comparisonViewSchema,
  /** The rule of all results in words. */
  rule: z.string(),
  runs: z.array(comparedRunSchema),
  groups: z.array(comparedGroupSchema),
  settings: z.array(settingRowSchema),
  results: z.array(resultRowSchema),
  environment: z.array(settingRowSchema),
  warnings: z.array(z.string()),
  /** Runs of the view that are gone. */
  missing: z.array(z.string()),
});
export type ComparisonReport = z.infer<typeof comparisonReportSchema>;

export const dataDifferenceSchema = z.object({
  rows: z.array(
    z.object({ title: z.string(), baseline: z.string(), candidate: z.string(), differs: z.boolean() }),
  ),
  notes: z.array(z.string()),
});
export type DataDifference = z.infer<typeof dataDifferenceSchema>;

const placed = z.array(z.number());
/** null: no value there. */
const valued = z.array(z.number().nullable());

export const curveSchema = z.object({
  id: z.string(),
  /** Of the run, before thinning out. */
  points: z.number().int(),
  x: placed,
  y: valued,
});
export type Curve = z.infer<typeof curveSchema>;

/** A group on the x that all groups of an answer share. */
export const groupCurveSchema = z.object({
  key: z.string(),
  /** Runs that have the metric: of so many it is the mean. */
  n: z.number().int(),
  mean: valued,
  /** Ends of the 95 % interval of the mean; null for one run, which has none. */
  low: valued.nullable(),
  high: valued.nullable(),
});

export const curvesSchema = z.object({
  runs: z.array(curveSchema),
  x: placed,
  groups: z.array(groupCurveSchema),
  /** First and last x of all runs, beyond the window too; null without any value. */
  extent: z.tuple([z.number(), z.number()]).nullable(),
});
export type Curves = z.infer<typeof curvesSchema>;

/** Each run in a row: what scatter, parallel coordinates and Pareto fronts are drawn from. */
export const runTableSchema = z.object({
  columns: z.array(
    z.object({
      key: z.string(),
      title: z.string(),
      kind: z.enum(['setting', 'result', 'cost']),
      unit: z.string(),
      better: z.enum(['lower', 'higher']).nullable(),
      /** All values are numbers. */
      numeric: z.boolean(),
    }),
  ),
  rows: z.array(
    z.object({
      id: z.string(),
      group: z.string(),
      values: z.array(z.union([z.number(), z.string()]).nullable()),
    }),
  ),
});
export type RunTable = z.infer<typeof runTableSchema>;

export const importanceSchema = z.object({
  runs: z.number().int(),
  warning: z.string().nullable(),
  settings: z.array(
    z.object({
      path: z.string(),
      title: z.string(),
      /** Share of the forest's permutation importance, 0 to 1. */
      importance: z.number(),
      /** Pearson; null for settings that are no numbers. */
      correlation: z.number().nullable(),
    }),
  ),
});
export type Importance = z.infer<typeof importanceSchema>;
