/** The queue of runs. */

import { z } from 'zod';
import { onFailureSchema, queueStateSchema } from '../runs/queue.ts';
import { id, none, ok } from './common.ts';

export const queueMethods = {
  'queue.get': { params: none, result: queueStateSchema },
  /** A new run at the end of the line, its settings and the content of its data fixed now. Fails with spec.invalid and all issues. */
  'queue.add': {
    params: z.object({ spec: z.unknown(), after: id.nullable().default(null) }),
    result: z.object({ id: z.string() }),
  },
  /** A run that was stopped or has failed goes on from its checkpoint when its turn comes. */
  'queue.retry': { params: z.object({ id }), result: ok },
  /** To the place before another entry; null: to the end. */
  'queue.move': { params: z.object({ id, before: id.nullable() }), result: ok },
  'queue.change': {
    params: z.object({ id, skipped: z.boolean().optional(), after: id.nullable().optional() }),
    result: ok,
  },
  'queue.set': {
    params: z.object({ paused: z.boolean().optional(), on_failure: onFailureSchema.optional() }),
    result: ok,
  },
  /** Takes an entry out of line: a run that never began is deleted, another is what it was before. */
  'queue.remove': { params: z.object({ id }), result: ok },
  /** At once, beside whatever is running. */
  'queue.startNow': { params: z.object({ id }), result: ok },
} as const;
