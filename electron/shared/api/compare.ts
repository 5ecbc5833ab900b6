/** Comparing runs. */
import { z } from 'zod';
import { exampleSummarySchema, examplesSchema, openedExampleSchema } from '../runs/compared-examples.ts';
import {
  comparisonReportSchema,
  comparisonViewSchema,
  curvesSchema,
  dataDifferenceSchema,
  importanceSchema,
  runTableSchema,
  savedComparisonSchema,
  verdictSchema,
} from '../runs/comparison.ts';
import { axes } from '../runs/points.ts';
import { none, ok } from './common.ts';

export const compareMethods = {
  /** `results` false: what is there at once; the results of long runs take a moment. */
  'compare.report': {
    params: z.object({ view: comparisonViewSchema, results: z.boolean().default(true) }),
    result: comparisonReportSchema,
  },
  /** Of every group but the baseline, against it, on each set of evaluated rows; those of a group one after another. */
  'compare.verdicts': { params: z.object({ view: comparisonViewSchema }), result: z.array(verdictSchema) },
  'compare.examples': {
    params: z.object({
      view: comparisonViewSchema,
      candidate: z.string(),
      /** `eval` or a named set; empty: the first with rows that both have. */
      set: z.string().default(''),
      /** Empty: the telling one of the set. */
      metric: z.string().default(''),
      /** A column of the dataset to slice by; null: the length. */
      slice: z.string().nullable().default(null),
    }),
    result: examplesSchema,
  },
  /** One row with what every run of both made of it. */
  'compare.example': {
    params: z.object({ view: comparisonViewSchema, candidate: z.string(), set: z.string(), id: z.string() }),
    result: openedExampleSchema,
  },
  /** Of every group and set: rows won, lost and tied by each metric, and `rows` of the most telling ones of each opened. */
  'compare.summaries': {
    params: z.object({ view: comparisonViewSchema, rows: z.number().int().min(0).max(100).default(0) }),
    result: z.array(exampleSummarySchema),
  },
  'compare.data': {
    params: z.object({ view: comparisonViewSchema, candidate: z.string() }),
    result: dataDifferenceSchema,
  },
  /** `source`: steps, or the name of an evaluated set. At most `most` points a run within the window, with all its highs and lows. */
  'compare.curves': {
    params: z.object({
      view: comparisonViewSchema,
      metric: z.string(),
      source: z.string(),
      axis: z.enum(axes),
      most: z.number().int().min(4).max(20_000).default(1200),
      window: z.tuple([z.number(), z.number()]).nullable().default(null),
    }),
    result: curvesSchema,
  },
  'compare.table': { params: z.object({ view: comparisonViewSchema }), result: runTableSchema },
  /** The exact sign test of a blind vote, ties left out. */
  'compare.vote': {
    params: z.object({ won: z.number().int().min(0), lost: z.number().int().min(0) }),
    result: z.object({ p: z.number() }),
  },
  'compare.importance': {
    params: z.object({ view: comparisonViewSchema, metric: z.string(), source: z.string() }),
    result: importanceSchema,
  },
  'compare.export': {
    params: z.object({
      name: z.string().default('Comparison'),
      view: comparisonViewSchema,
      format: z.enum(['html', 'markdown', 'csv', 'latex']),
    }),
    result: z.object({ name: z.string(), text: z.string() }),
  },
  'compare.list': { params: none, result: z.array(savedComparisonSchema) },
  'compare.get': { params: z.object({ id: z.string() }), result: savedComparisonSchema },
  /** A new one where `id` is null. */
  'compare.save': {
    params: z.object({
      id: z.string().nullable().default(null),
      name: z.string().min(1).max(200),
      view: comparisonViewSchema,
    }),
    result: savedComparisonSchema,
  },
  'compare.remove': { params: z.object({ id: z.string() }), result: ok },
} as const;
