/** `collie callbacks new` and `trust`. */
import { copyFileSync, existsSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { readCallback } from '../server/callbacks/source.ts';
import { installRoot } from '../server/native/addon.ts';
import { CollieError } from '../shared/errors.ts';
import { printJson } from './output.ts';
import { withHost } from './session.ts';

const TYPES = 'collie-callbacks.d.ts';
export const examples = ['early-stop', 'loss-csv', 'chat-message'] as const;

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

export async function trustCallbacks(paths: readonly string[], json: boolean): Promise<void> {
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
