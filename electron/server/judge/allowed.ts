/**
 * Which judges the user has allowed: allowed-judges/<hash>.json, a file for each origin and variable of a key.
 * A spec from elsewhere may name any address, and any variable as its key: nothing is sent to an origin, nor with a key, that is not allowed together.
 */
import { createHash } from 'node:crypto';
import { z } from 'zod';
import type { NamedJudge } from '../../shared/api/judges.ts';
import { CollieError } from '../../shared/errors.ts';
import { judgeOf } from '../../shared/spec/evaluation-sets.ts';
import { accessOf, accessText, type JudgeAccess } from '../../shared/spec/judge.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { type TrustFiles, TrustStore } from '../trust/store.ts';

const allowanceSchema = z.object({
  v: z.literal(1),
  origin: z.string(),
  keyEnv: z.string().nullable(),
  at: z.string(),
});
export type Allowance = z.infer<typeof allowanceSchema>;

const files: TrustFiles<JudgeAccess, Allowance> = {
  folder: 'allowed-judges',
  schema: allowanceSchema,
  fileOf: ({ origin, keyEnv }) =>
    createHash('sha256')
      .update(JSON.stringify([origin, keyEnv]))
      .digest('hex'),
};

export class AllowedJudges extends TrustStore<JudgeAccess, JudgeAccess, Allowance> {
  constructor(home: string) {
    super(home, files);
  }

  /** Throws judge.not_allowed with every judge of these specs that is not. */
  require(...specs: RunSpec[]): void {
    const foreign = judgesOf(specs).filter((one) => !this.has(one));
    if (foreign.length > 0) throw notAllowed(foreign);
  }
}

/** Those that the specs name, each once. */
export function judgesOf(specs: readonly RunSpec[]): NamedJudge[] {
  const found: NamedJudge[] = [];
  for (const set of specs.flatMap(({ evaluation }) => evaluation.sets)) {
    const judge = judgeOf(set);
    if (!judge) continue;
    const access = accessOf(judge);
    const same = found.find(
      (one) => one.origin === access.origin && one.keyEnv === access.keyEnv && one.model === judge.model,
    );
    if (same && !same.sets.includes(set.name)) same.sets.push(set.name);
    else if (!same) found.push({ ...access, model: judge.model, sets: [set.name] });
  }
  return found;
}

function notAllowed(judges: readonly NamedJudge[]): CollieError {
  const where = [...new Set(judges.map(accessText))];
  const origins = [...new Set(judges.map(({ origin }) => origin))];
  return new CollieError(
    'judge.not_allowed',
    `Rows and answers would be sent to the judge at ${where.join(' and at ')}, which you have not allowed.`,
    `If you know this address and want that, allow it in the form, or start with ${origins.map((origin) => `--allow-judge ${origin}`).join(' ')}. Without a judge ("judge": {"type": "none"}) nothing is sent.`,
    { judges },
  );
}
