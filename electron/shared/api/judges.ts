/** Judges of answers (docs/evaluation.md): addresses that rows are sent to once the user has allowed them. What is to be allowed is in the data of judge.not_allowed. */
import { z } from 'zod';
import { ok } from './common.ts';

export const judgeAccessSchema = z.object({
  /** Scheme, host and port. */
  origin: z.string().min(1).max(500),
  /** Variable whose content goes there as the key; null: none. */
  keyEnv: z.string().max(200).nullable(),
});

/** As the user is asked about it. */
export const namedJudgeSchema = judgeAccessSchema.extend({
  model: z.string(),
  /** Evaluation sets whose rows it gets. */
  sets: z.array(z.string()),
});
export type NamedJudge = z.infer<typeof namedJudgeSchema>;

export const judgeMethods = {
  /** Fails with request.invalid for what is no origin of a web server. */
  'judges.allow': { params: z.object({ judges: z.array(judgeAccessSchema).min(1).max(64) }), result: ok },
} as const;
