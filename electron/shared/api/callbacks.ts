/** Callbacks that a spec or a run names (docs/callbacks.md): programs, which run only once the user has approved them as they are. */
import { z } from 'zod';
import { errorInfoSchema } from '../error-info.ts';
import { ok } from './common.ts';

const path = z.string().min(1).max(4096);

export const inspectedCallbackSchema = z.object({
  path: z.string(),
  /** Of its content; empty with a problem. */
  sha256: z.string(),
  /** The code, to be read before it is approved. */
  text: z.string(),
  trusted: z.boolean(),
  /** Why it cannot be used. */
  problem: errorInfoSchema.nullable(),
});
export type InspectedCallback = z.infer<typeof inspectedCallbackSchema>;

export const callbackMethods = {
  /** Files by their paths, also the copies that a run has of its callbacks. What is not approved is only read. */
  'callbacks.inspect': {
    params: z.object({ paths: z.array(path).max(8) }),
    result: z.array(inspectedCallbackSchema),
  },
  /** Approves files with the content that was shown. Fails with callback.not_trusted for one that has changed since. */
  'callbacks.trust': {
    params: z.object({
      callbacks: z
        .array(z.object({ path, sha256: z.string().regex(/^[0-9a-f]{64}$/) }))
        .min(1)
        .max(8),
    }),
    result: ok,
  },
} as const;
