/** The question before something that the user has to allow first, and what was allowed: `list` and `forget` of each kind (shared/api/trust.ts). */
import { createInterface } from 'node:readline/promises';
import pc from 'picocolors';
import type { Host } from '../server/host.ts';
import {
  allow,
  canAllow,
  questionOf,
  refusedKind,
  type TrustName,
  type TrustQuestion,
  trustKinds,
  trustNames,
} from '../shared/api/trust.ts';
import { CollieError, toErrorInfo } from '../shared/errors.ts';
import { printJson, printTable } from './output.ts';
import { withHost } from './session.ts';
import { type TrustFlags, trustTexts } from './trust-kinds.ts';

const SHOWN_LINES = 60;

/**
 * Does what the host may refuse until the user allows it; then asks about that, or does not where an option names it, and does it again. Without a terminal nobody can be asked: the
 * refusal stands.
 */
export async function allowing<T>(host: Host, flags: TrustFlags, start: () => Promise<T>): Promise<T> {
  // What is wrong with the options is said first.
  for (const kind of trustNames) trustTexts[kind].named(flags);
  const allowed = new Set<TrustName>();
  for (;;) {
    try {
      return await start();
    } catch (thrown) {
      const refusal = toErrorInfo(thrown);
      const kind = refusedKind(refusal);
      if (kind === null || allowed.has(kind)) throw thrown;
      const question = await questionOf(host, kind, refusal);
      if (!canAllow(question) || !(await agreed(question, flags))) throw thrown;
      await allow(host, question);
      allowed.add(kind);
    }
  }
}

async function agreed<K extends TrustName>(
  { kind, shown }: TrustQuestion<K>,
  flags: TrustFlags,
): Promise<boolean> {
  const text = trustTexts[kind];
  const named = text.named(flags);
  const open = shown.filter((one) => !named(one));
  if (open.length === 0) return true;
  if (flags.json || !process.stdin.isTTY || !process.stderr.isTTY) return false;
  for (const { title, lines } of open.map(text.shown)) {
    process.stderr.write(`\n${pc.bold(asText(title))}\n`);
    for (const line of lines.slice(0, SHOWN_LINES)) process.stderr.write(`  ${asText(line)}\n`);
    if (lines.length > SHOWN_LINES)
      process.stderr.write(pc.dim(`  ... and ${lines.length - SHOWN_LINES} more lines\n`));
  }
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    const said = await terminal.question(`\n${trustKinds[kind].question} [y/N] `);
    return /^y(es)?$/i.test(said.trim());
  } finally {
    terminal.close();
  }
}

/** What stands in a spec or a file must not move the cursor over what is shown. */
const asText = (line: string) => line.replace(/\p{Cc}/gu, ' ');

export async function listAllowed<K extends TrustName>(kind: K, json: boolean): Promise<void> {
  await withHost(async ({ services }) => {
    const { store, none, columns, row } = trustTexts[kind];
    const kept = store(services).list();
    if (json) printJson(kept);
    else if (kept.length === 0) process.stdout.write(`${none}\n`);
    else printTable([[...columns], ...kept.map((one) => row(one, one.at.slice(0, 16).replace('T', ' ')))]);
  });
}

export async function forgetAllowed<K extends TrustName>(
  kind: K,
  what: string,
  json: boolean,
): Promise<void> {
  await withHost(async ({ services }) => {
    const { store, meant, unknown, line } = trustTexts[kind];
    const forgotten = store(services).forget(meant(what));
    if (forgotten.length === 0)
      throw new CollieError(
        'request.invalid',
        unknown(what),
        `\`collie ${kind} list\` shows those that are.`,
      );
    if (json) printJson({ forgotten });
    else for (const one of forgotten) process.stdout.write(`forgotten: ${line(one)}\n`);
  });
}
