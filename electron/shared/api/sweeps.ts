/** Calls about sweeps: part of `methods` in api.ts. */
import { z } from 'zod';
import { sweepCardSchema, sweepRecordSchema } from '../runs/sweep-record.ts';
import { sweepPreviewSchema } from '../spec/sweep-preview.ts';
import { ok } from './common.ts';

const id = z.string().min(1);

export const sweepMethods = {
  /** Newest first. */
  'sweeps.list': { params: z.object({}), result: z.array(sweepCardSchema) },
  'sweeps.get': { params: z.object({ id }), result: sweepRecordSchema },
  /**
   * Every point of a sweep, checked; `issues` of a point say why it cannot be run. `of`: a sweep that is there, whose runs are not made
   * again. Throws spec.invalid for the sweep itself.
   */
  'sweeps.preview': {
    params: z.object({ sweep: z.unknown(), of: id.nullable().default(null) }),
    result: sweepPreviewSchema,
  },
  /**
   * Puts every point that can be run in line: all of them or, when that fails, none. Each run has the sweep's name as a tag. Fails where a
   * point cannot be run, unless `leave_out`.
   */
  'sweeps.add': {
    params: z.object({ sweep: z.unknown(), leave_out: z.boolean().default(false) }),
    result: z.object({ id: z.string(), ids: z.array(z.string()) }),
  },
  /**
   * The sweep as it shall be: its points and seeds that are not there yet are put in line, and those that wait heed its rules. What is left out
   * stays (`{"budget": {"hours": 4}}` changes the budget alone), null takes a rule away. Its name and spec stay what they were.
   */
  'sweeps.extend': {
    params: z.object({ id, sweep: z.unknown(), leave_out: z.boolean().default(false) }),
    result: z.object({ ids: z.array(z.string()) }),
  },
  /** Takes its waiting runs out of line and forgets the sweep; runs that have begun stay. */
  'sweeps.remove': { params: z.object({ id }), result: ok },
} as const;
