/** `collie judges ...`, and the question before rows are sent to a judge that is not allowed. */
import { createInterface } from 'node:readline/promises';
import pc from 'picocolors';
import type { Host } from '../server/host.ts';
import { accessText } from '../server/judge/allowed.ts';
import type { NamedJudge } from '../shared/api/judges.ts';
import { CollieError, toErrorInfo } from '../shared/errors.ts';
import { judgeAddressProblem } from '../shared/spec/judge.ts';
import { printJson, printTable } from './output.ts';
import { withHost } from './session.ts';

export interface JudgeFlags {
  /** Origins that need no question. */
  allowJudge: readonly string[];
  json: boolean;
}

/**
 * Does what the host may refuse because of a judge; then asks about it, or does not where `--allow-judge` names its origin, and does it again. Without a terminal nobody can be asked: the
 * refusal stands.
 */
export async function allowingJudges<T>(host: Host, flags: JudgeFlags, start: () => Promise<T>): Promise<T> {
  const origins = flags.allowJudge.map(originOf);
  try {
    return await start();
  } catch (thrown) {
    const judges = refused(thrown);
    const open = judges.filter(({ origin }) => !origins.includes(origin));
    if (judges.length === 0) throw thrown;
    if (open.length > 0 && !(canAsk(flags.json) && (await agreed(open)))) throw thrown;
    await host.call('judges.allow', { judges: judges.map(({ origin, keyEnv }) => ({ origin, keyEnv })) });
    return start();
  }
}

function refused(thrown: unknown): NamedJudge[] {
  const { code, data } = toErrorInfo(thrown);
  return code === 'judge.not_allowed' ? (data.judges as NamedJudge[]) : [];
}

/** An address may be given whole. Throws request.invalid. */
function originOf(url: string): string {
  const problem = judgeAddressProblem(url);
  if (problem === null) return new URL(url).origin;
  throw new CollieError('request.invalid', `${url} ${problem}.`, 'For example: http://127.0.0.1:8080', {
    url,
  });
}

const canAsk = (json: boolean) => !json && process.stdin.isTTY === true && process.stderr.isTTY === true;

async function agreed(judges: readonly NamedJudge[]): Promise<boolean> {
  for (const { model, sets, ...access } of judges) {
    // As text: what stands in a spec must not move the cursor.
    const line = `${accessText(access)}, model ${model}, evaluation set ${sets.join(', ')}`;
    process.stderr.write(`\n${pc.bold(line.replace(/\p{Cc}/gu, ' '))}\n`);
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const question =
      '\nQuestions, references and answers of these sets are sent there to be judged. Allow it? [y/N] ';
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}

export async function allowJudge(url: string, keyEnv: string | null, json: boolean): Promise<void> {
  await withHost(async (host) => {
    const access = { origin: originOf(url), keyEnv };
    await host.call('judges.allow', { judges: [access] });
    if (json) printJson(access);
    else process.stdout.write(`allowed: ${accessText(access)}\n`);
  });
}

export async function listJudges(json: boolean): Promise<void> {
  await withHost(async ({ services }) => {
    const allowed = services.judges.list();
    if (json) printJson(allowed);
    else if (allowed.length === 0) process.stdout.write('No judge is allowed.\n');
    else
      printTable([
        ['origin', 'key in', 'allowed'],
        ...allowed.map(({ origin, keyEnv, at }) => [
          origin,
          keyEnv ?? '(no key)',
          at.slice(0, 16).replace('T', ' '),
        ]),
      ]);
  });
}

export async function forgetJudge(url: string, json: boolean): Promise<void> {
  await withHost(async ({ services }) => {
    const forgotten = services.judges.remove(originOf(url));
    if (forgotten.length === 0)
      throw new CollieError(
        'request.invalid',
        `No judge at ${url} is allowed.`,
        '`collie judges` shows those that are.',
      );
    if (json) printJson({ forgotten });
    else for (const one of forgotten) process.stdout.write(`forgotten: ${accessText(one)}\n`);
  });
}
