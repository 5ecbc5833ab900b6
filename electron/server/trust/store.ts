/**
 * What the user has allowed, of one kind: a file for each in a folder of the library, so that hosts that allow at the same time lose nothing. What is asked about, and in which
 * words, stands in shared/api/trust.ts.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { z } from 'zod';
import { writeJsonAtomic } from '../runs/folder.ts';

/** How one kind is kept. */
export interface TrustFiles<Key, Kept> {
  /** Of the library. */
  folder: string;
  schema: z.ZodType<Kept>;
  /** Name of the file, without its ending. Throws request.invalid for what is no key. */
  fileOf(key: Key): string;
}

/** `Key`: what it is looked up by. `Given`: what is allowed, with its key. */
export class TrustStore<Key, Given extends Key, Kept extends Given & { at: string }> {
  readonly #folder: string;
  readonly #files: TrustFiles<Key, Kept>;

  /** `home`: COLLIE_HOME. */
  constructor(home: string, files: TrustFiles<Key, Kept>) {
    this.#folder = join(home, files.folder);
    this.#files = files;
  }

  /** A damaged file allows nothing: the user is asked again. */
  has(key: Key): boolean {
    return this.#read(this.#path(key)) !== null;
  }

  add(given: Given): void {
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 });
    const kept = this.#files.schema.parse({ ...given, v: 1, at: new Date().toISOString() });
    writeJsonAtomic(this.#path(given), kept);
  }

  /** The newest first. */
  list(): Kept[] {
    if (!existsSync(this.#folder)) return [];
    return readdirSync(this.#folder)
      .filter((name) => name.endsWith('.json') && !name.startsWith('.'))
      .flatMap((name) => this.#read(join(this.#folder, name)) ?? [])
      .sort((a, b) => b.at.localeCompare(a.at));
  }

  /** Returns those that were there. */
  forget(which: (kept: Kept) => boolean): Kept[] {
    const found = this.list().filter(which);
    for (const one of found) rmSync(this.#path(one), { force: true });
    return found;
  }

  #path(key: Key): string {
    return join(this.#folder, `${this.#files.fileOf(key)}.json`);
  }

  #read(path: string): Kept | null {
    try {
      return this.#files.schema.parse(JSON.parse(readFileSync(path, 'utf8')));
    } catch {
      return null; // Not there, removed or damaged meanwhile.
    }
  }
}
