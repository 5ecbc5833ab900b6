/**
 * Which callbacks the user has approved: trusted-callbacks/<SHA-256>.json of the library, a file each, so that hosts that approve at the same time lose nothing. A callback may do
 * whatever the user may do, so nothing of one runs before that.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CollieError } from '../../shared/errors.ts';
import { writeJsonAtomic } from '../runs/folder.ts';

const approvalSchema = z.object({
  v: z.literal(1),
  sha256: z.string(),
  /** Where it was when it was approved. */
  path: z.string(),
  at: z.string(),
});
export type Approval = z.infer<typeof approvalSchema>;

const HASH = /^[0-9a-f]{64}$/;

export class TrustedCallbacks {
  readonly #folder: string;

  /** `home`: COLLIE_HOME. */
  constructor(home: string) {
    this.#folder = join(home, 'trusted-callbacks');
  }

  has(sha256: string): boolean {
    return existsSync(this.#file(sha256));
  }

  add({ sha256, path }: { sha256: string; path: string }): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const approval: Approval = { v: 1, sha256, path, at: new Date().toISOString() };
    writeJsonAtomic(this.#file(sha256), approval);
  }

  /** False: there was none. */
  remove(sha256: string): boolean {
    const known = this.has(sha256);
    rmSync(this.#file(sha256), { force: true });
    return known;
  }

  /** The newest first. */
  list(): Approval[] {
    if (!existsSync(this.#folder)) return [];
    const read = (name: string) => {
      try {
        return approvalSchema.parse(JSON.parse(readFileSync(join(this.#folder, name), 'utf8')));
      } catch {
        return []; // Removed or damaged meanwhile; its name still trusts, and `remove` takes it away.
      }
    };
    return readdirSync(this.#folder)
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .flatMap(read)
      .sort((a, b) => b.at.localeCompare(a.at));
  }

  #file(sha256: string): string {
    if (HASH.test(sha256)) return join(this.#folder, `${sha256}.json`);
    throw new CollieError('request.invalid', `"${sha256}" is no SHA-256.`);
  }
}

export const notTrusted = (callbacks: readonly { path: string; sha256: string }[]): CollieError =>
  new CollieError(
    'callback.not_trusted',
    `${callbacks.map(({ path }) => path).join(', ')} would run as a program beside the training, and you have not approved ${callbacks.length === 1 ? 'it' : 'them'} as ${callbacks.length === 1 ? 'it is' : 'they are'} now.`,
    'Read the code; then approve it in the form, with `collie callbacks trust`, or start with --trust-callbacks.',
    { callbacks },
  );
