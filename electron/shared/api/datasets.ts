/** Datasets of the library: their files, rows, columns and tokens. */

import { z } from 'zod';
import { mappingSchema } from '../spec/run-spec.ts';
import { id, jobRef, none, ok } from './common.ts';
import { datasetCardSchema, tokenizedRowSchema } from './entities.ts';

/** How a data file is read. */
const importChoices = {
  /** Of text files; UTF-16 is seen by itself. */
  encoding: z.enum(['utf-8', 'windows-1252']).default('utf-8'),
  /** CSV rows with more or fewer fields than the header: refused with their lines, or left out. */
  ragged: z.enum(['refuse', 'leave_out']).default('refuse'),
};

/** A dataset, model, mapping and length: what tokenizing a row depends on. */
const tokenizeParams = z.object({
  datasetId: id,
  modelId: id,
  mapping: mappingSchema,
  systemPrompt: z.string().default(''),
  seqLen: z.number().int().min(8),
});

export const datasetMethods = {
  'datasets.list': { params: none, result: z.array(datasetCardSchema) },
  'datasets.get': { params: z.object({ id }), result: datasetCardSchema },
  /** Reads a file as `datasets.import` would and keeps nothing. Job result: DatasetPreview. */
  'datasets.preview': { params: z.object({ path: z.string().min(1), ...importChoices }), result: jobRef },
  /** Job result: DatasetCard. */
  'datasets.import': {
    params: z.object({
      path: z.string().min(1),
      name: z.string().default(''),
      ...importChoices,
      /** Rows that the guessed mapping cannot train on: kept, for the run to decide, or left out. */
      unusable: z.enum(['keep', 'leave_out']).default('keep'),
    }),
    result: jobRef,
  },
  'datasets.rows': {
    params: z.object({
      id,
      offset: z.number().int().min(0),
      limit: z.number().int().min(1).max(500),
      search: z.string().default(''),
    }),
    result: z.object({
      /** Rows that match the search; all without one. */
      total: z.number().int(),
      rows: z.array(z.record(z.string(), z.unknown())),
      /** Position of each row in the dataset, from 0: what `datasets.tokenize` takes. */
      indices: z.array(z.number().int()),
    }),
  },
  'datasets.setMapping': { params: z.object({ id, mapping: mappingSchema }), result: datasetCardSchema },
  'datasets.tokenize': {
    params: tokenizeParams.extend({ row: z.number().int().min(0) }),
    result: tokenizedRowSchema,
  },
  /** Tokenizes every row. Job result: TokenStats (entities.ts). */
  'datasets.stats': { params: tokenizeParams, result: jobRef },
  'datasets.remove': { params: z.object({ id }), result: ok },
} as const;
