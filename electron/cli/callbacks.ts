/** `collie callbacks ...`, and the question before a spec runs one that is not approved. */
import { copyFileSync, existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import pc from 'picocolors';
import { readCallback } from '../server/callbacks/source.ts';
import type { Host } from '../server/host.ts';
import { installRoot } from '../server/native/addon.ts';
import type { InspectedCallback } from '../shared/api/callbacks.ts';
import { CollieError } from '../shared/errors.ts';
import { printJson, printTable } from './output.ts';
import { withHost } from './session.ts';

const SHOWN_LINES = 60;
const TYPES = 'collie-callbacks.d.ts';
export const examples = ['early-stop', 'loss-csv', 'chat-message'] as const;

/** `callbacks` of a spec as it was read, where it is a list of paths; what else is wrong with it is told by its check. */
export const callbacksOf = (spec: unknown): string[] => {
  const { callbacks } = Object(spec) as { callbacks?: unknown };
  const all: unknown[] = Array.isArray(callbacks) ? callbacks : [];
  return all.filter((path): path is string => typeof path === 'string' && path !== '').slice(0, 8);
};

/** Asks, or does not where `--trust-callbacks` is given. Without a terminal nobody can be asked: the host refuses the run then. */
export async function askAboutCallbacks(
  host: Host,
  what: { paths: string[] } | { run: string },
  { trustCallbacks, json }: { trustCallbacks: boolean; json: boolean },
): Promise<void> {
  if ('paths' in what && what.paths.length === 0) return;
  const found = await host.call('callbacks.inspect', what);
  const open = found.filter(({ trusted, problem }) => !trusted && problem === null);
  if (open.length === 0) return;
  const approved = trustCallbacks || (canAsk(json) && (await agreed(open)));
  if (approved)
    await host.call('callbacks.trust', { callbacks: open.map(({ path, sha256 }) => ({ path, sha256 })) });
}

const canAsk = (json: boolean) => !json && process.stdin.isTTY === true && process.stderr.isTTY === true;

async function agreed(callbacks: readonly InspectedCallback[]): Promise<boolean> {
  for (const { path, text } of callbacks) {
    const lines = text.trimEnd().split('\n');
    process.stderr.write(`\n${pc.bold(path)}\n`);
    // As text: what stands in it must not move the cursor over it.
    for (const line of lines.slice(0, SHOWN_LINES))
      process.stderr.write(`  ${line.replace(/\p{Cc}/gu, ' ')}\n`);
    if (lines.length > SHOWN_LINES)
      process.stderr.write(pc.dim(`  ... and ${lines.length - SHOWN_LINES} more lines\n`));
  }
  const question = `\nThis runs beside the training as a program that can do what you can do. Run it? [y/N] `;
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  try {
    return /^y(es)?$/i.test((await terminal.question(question)).trim());
  } finally {
    terminal.close();
  }
}

/** A callback to begin with, and beside it the types that its editor shows. */
export async function newCallback(
  path: string,
  { example, json }: { example: (typeof examples)[number]; json: boolean },
): Promise<void> {
  const file = resolve(path);
  if (!/\.m?ts$/.test(file))
    throw new CollieError('request.invalid', `${path} is no TypeScript file.`, 'Call it my-callback.ts.');
  if (existsSync(file))
    throw new CollieError('path.exists', `${file} is there already.`, 'Give another name.');
  const from = join(installRoot(), 'assets/callbacks');
  copyFileSync(join(from, `${example}.ts`), file);
  const types = join(dirname(file), TYPES);
  copyFileSync(join(from, TYPES), types);
  if (json) printJson({ file, types });
  else process.stdout.write(`${file}\n${types}\nName it in a spec: "callbacks": ["${basename(file)}"]\n`);
}

export async function trustCallbacksCommand(paths: readonly string[], json: boolean): Promise<void> {
  await withHost(async (host) => {
    const callbacks = paths.map((path) => {
      const { sha256 } = readCallback(resolve(path));
      return { path: resolve(path), sha256 };
    });
    await host.call('callbacks.trust', { callbacks });
    if (json) printJson({ callbacks });
    else for (const { path, sha256 } of callbacks) process.stdout.write(`${sha256.slice(0, 12)}  ${path}\n`);
  });
}

export async function listCallbacks(json: boolean): Promise<void> {
  await withHost(async ({ services }) => {
    const approved = services.callbacks.trusted.list();
    if (json) printJson(approved);
    else if (approved.length === 0) process.stdout.write('No callback is approved.\n');
    else
      printTable([
        ['sha256', 'approved', 'where it was'],
        ...approved.map(({ sha256, at, path }) => [
          sha256.slice(0, 12),
          at.slice(0, 16).replace('T', ' '),
          path,
        ]),
      ]);
  });
}

/** `what`: the path that it was approved at, or the beginning of its hash. */
export async function forgetCallback(what: string, json: boolean): Promise<void> {
  await withHost(async ({ services }) => {
    const { trusted } = services.callbacks;
    const found = trusted
      .list()
      .filter(({ sha256, path }) => path === resolve(what) || (what.length >= 6 && sha256.startsWith(what)));
    if (found.length === 0)
      throw new CollieError(
        'request.invalid',
        `No approved callback is ${what}.`,
        '`collie callbacks list` shows those that are.',
      );
    for (const { sha256 } of found) trusted.remove(sha256);
    if (json) printJson({ forgotten: found });
    else
      for (const { sha256, path } of found)
        process.stdout.write(`forgotten: ${sha256.slice(0, 12)}  ${path}\n`);
  });
}
