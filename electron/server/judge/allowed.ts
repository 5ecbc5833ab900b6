/**
 * Which judges the user has allowed: allowed-judges/<hash>.json of the library, a file for each origin and variable of a key, so that hosts that allow at the same time lose nothing.
 * A spec from elsewhere may name any address, and any variable as its key: nothing is sent to an origin, nor with a key, that is not allowed together.
 */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { NamedJudge } from '../../shared/api/judges.ts';
import { CollieError } from '../../shared/errors.ts';
import { judgeOf } from '../../shared/spec/evaluation-sets.ts';
import { accessOf, type JudgeAccess } from '../../shared/spec/judge.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { writeJsonAtomic } from '../runs/folder.ts';

const allowanceSchema = z.object({
  v: z.literal(1),
  origin: z.string(),
  keyEnv: z.string().nullable(),
  at: z.string(),
});
export type Allowance = z.infer<typeof allowanceSchema>;

export class AllowedJudges {
  readonly #folder: string;

  /** `home`: COLLIE_HOME. */
  constructor(home: string) {
    this.#folder = join(home, 'allowed-judges');
  }

  has(access: JudgeAccess): boolean {
    return existsSync(this.#file(access));
  }

  add({ origin, keyEnv }: JudgeAccess): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const allowance: Allowance = { v: 1, origin, keyEnv, at: new Date().toISOString() };
    writeJsonAtomic(this.#file({ origin, keyEnv }), allowance);
  }

  /** All of an origin. Returns those that were there. */
  remove(origin: string): Allowance[] {
    const found = this.list().filter((one) => one.origin === origin);
    for (const one of found) rmSync(this.#file(one), { force: true });
    return found;
  }

  /** The newest first. */
  list(): Allowance[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder)
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .flatMap((name) => {
        try {
          return allowanceSchema.parse(JSON.parse(readFileSync(join(this.#folder, name), 'utf8')));
        } catch {
          return []; // Removed or damaged meanwhile.
        }
      })
      .sort((a, b) => b.at.localeCompare(a.at));
  }

  /** Throws judge.not_allowed with every judge of these specs that is not. */
  require(...specs: RunSpec[]): void {
    const foreign = judgesOf(specs).filter((one) => !this.has(one));
    if (foreign.length > 0) throw notAllowed(foreign);
  }

  #file({ origin, keyEnv }: JudgeAccess): string {
    const name = createHash('sha256')
      .update(JSON.stringify([origin, keyEnv]))
      .digest('hex');
    return join(this.#folder, `${name}.json`);
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

/** "http://127.0.0.1:8080 with the key in OPENAI_API_KEY" */
export const accessText = ({ origin, keyEnv }: JudgeAccess): string =>
  keyEnv === null ? origin : `${origin} with the key in ${keyEnv}`;

export function notAllowed(judges: readonly NamedJudge[]): CollieError {
  const where = [...new Set(judges.map(accessText))];
  const origins = [...new Set(judges.map(({ origin }) => origin))];
  return new CollieError(
    'judge.not_allowed',
    `Rows and answers would be sent to the judge at ${where.join(' and at ')}, which you have not allowed.`,
    `If you know this address and want that, allow it in the form, or start with ${origins.map((origin) => `--allow-judge ${origin}`).join(' ')}. Without a judge ("judge": {"type": "none"}) nothing is sent.`,
    { judges },
  );
}
