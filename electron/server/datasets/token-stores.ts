/**
 * Tokens that several runs share: `cache/tokens/<key>` of the library. The key is everything that they depend on (tokens-key.ts), so that rows are
 * tokenized once for all runs of a sweep. A run's data folder gets hard links: it keeps its tokens whatever becomes of the store, and what a run
 * refers to costs no room twice. A store appears whole or not at all, and is compared with its checksums whenever it is used.
 */
import { randomBytes } from 'node:crypto';
import { constants, existsSync, mkdirSync, rmSync } from 'node:fs';
import { copyFile, link, mkdir, readdir, readFile, rename, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { ownName, removeLeftovers } from '../files/leftovers.ts';
import { ownFolder, renameUnlessTaken } from '../files/publish.ts';
import { writeText } from '../files/write.ts';
import { takeLock } from '../runs/lock.ts';
import { processRef } from '../runs/process.ts';
import { cancelled } from './duckdb.ts';
import { fileHash } from './file-hashes.ts';

const NEW = '.new-';
const REMOVED = '.removed-';
const RECORD = 'tokens.json';
const WAIT_MS = 200;
const MOST_BYTES = 2e9;

const recordSchema = z.object({
  v: z.literal(1),
  /** The run whose tokens they were first. */
  run: z.string(),
  files: z.record(z.string(), z.object({ bytes: z.number(), sha256: z.string() })),
  /** What DataMeta says of them. */
  meta: z.unknown(),
});

export interface SharedTokens {
  meta: unknown;
  /** Whose tokens are used; null: they were made now. */
  of: string | null;
  /** What was wrong with those that were there. */
  damage: string | null;
}

interface TokensRequest {
  key: string;
  run: string;
  /** Gets them; whatever is in it goes. */
  dataDir: string;
  /** Fills `<folder>/data`. */
  make: (folder: string) => Promise<unknown>;
  /** Whether what was made is what the key says: a data file may have changed meanwhile. */
  stillThat: () => Promise<boolean>;
  signal?: AbortSignal | undefined;
}

export class TokenStores {
  readonly #root: string;

  readonly #mostBytes: number;

  /** `home`: COLLIE_HOME. `mostBytes`: of stores that no run refers to. */
  constructor(home: string, mostBytes = MOST_BYTES) {
    this.#root = join(home, 'cache', 'tokens');
    this.#mostBytes = mostBytes;
  }

  /** The tokens of the key in `dataDir`, made by nobody else meanwhile. Throws what making them throws, job.cancelled. */
  async use(request: TokensRequest): Promise<SharedTokens> {
    const { key, signal } = request;
    mkdirSync(this.#root, { recursive: true });
    const lock = join(this.#root, `.lock-${key}`);
    let damage: string | null = null;
    for (;;) {
      if (signal?.aborted) throw cancelled();
      const found = await this.#take(key, request.dataDir);
      if (found && 'meta' in found) return { ...found, damage };
      damage ??= found?.damage ?? null;
      if (takeLock(lock, processRef(process.pid))) {
        try {
          // Another may have been at it until now.
          if (!existsSync(join(this.#root, key))) return { ...(await this.#make(request)), of: null, damage };
        } finally {
          rmSync(lock, { force: true });
        }
      } else await delay(WAIT_MS);
    }
  }

  async #make(request: TokensRequest): Promise<{ meta: unknown }> {
    const building = ownFolder(join(this.#root, ownName(NEW)));
    try {
      const meta = await request.make(building);
      const data = join(building, 'data');
      const files: z.infer<typeof recordSchema>['files'] = {};
      for (const name of (await readdir(data)).sort()) {
        const path = join(data, name);
        files[name] = { bytes: (await stat(path)).size, sha256: await fileHash(path) };
      }
      await writeText(join(building, RECORD), JSON.stringify({ v: 1, run: request.run, files, meta }));
      await fill(request.dataDir, data, Object.keys(files));
      if (await request.stillThat()) renameUnlessTaken(building, join(this.#root, request.key));
      return { meta };
    } finally {
      await rm(building, { recursive: true, force: true });
      await this.#prune();
    }
  }

  /** null: there are none. A store that is not what it was is taken away. */
  async #take(
    key: string,
    dataDir: string,
  ): Promise<{ meta: unknown; of: string } | { damage: string } | null> {
    const folder = join(this.#root, key);
    if (!existsSync(folder)) return null;
    const damage = await this.#damage(folder);
    if (damage === null) {
      try {
        const { run, files, meta } = await readRecord(folder);
        await fill(dataDir, join(folder, 'data'), Object.keys(files));
        await utimes(folder, new Date(), new Date());
        return { meta, of: run };
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null; // Made room for others just now.
        throw error;
      }
    }
    await this.#remove(key);
    return { damage };
  }

  /** What is wrong with it; null: nothing. */
  async #damage(folder: string): Promise<string | null> {
    try {
      for (const [name, { bytes, sha256 }] of Object.entries((await readRecord(folder)).files)) {
        const path = join(folder, 'data', name);
        const { size } = await stat(path);
        if (size !== bytes) return `${name} has ${size} bytes instead of ${bytes}`;
        if ((await fileHash(path)) !== sha256) return `${name} is not what was written`;
      }
      return null;
    } catch (error) {
      return `${RECORD} cannot be read: ${(error as Error).message}`;
    }
  }

  async #remove(name: string): Promise<void> {
    const trash = join(this.#root, `${REMOVED}${randomBytes(6).toString('hex')}`);
    try {
      await rename(join(this.#root, name), trash);
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error; // Removed by another.
    }
    await rm(trash, { recursive: true, force: true });
  }

  /** Takes away what no run refers to, what was used longest ago first, as far as it takes more room than it may. */
  async #prune(): Promise<void> {
    const unused: { name: string; bytes: number; usedAt: number }[] = [];
    for (const name of await readdir(this.#root).catch(() => [])) {
      if (name.startsWith('.')) continue;
      try {
        const folder = join(this.#root, name);
        const data = join(folder, 'data');
        const files = await Promise.all((await readdir(data)).map((file) => stat(join(data, file))));
        if (files.some(({ nlink }) => nlink > 1)) continue;
        const bytes = files.reduce((sum, { size }) => sum + size, 0);
        unused.push({ name, bytes, usedAt: (await stat(folder)).mtimeMs });
      } catch {
        // Taken away by another.
      }
    }
    let room = this.#mostBytes;
    for (const { name, bytes } of unused.sort((a, b) => b.usedAt - a.usedAt)) {
      room -= bytes;
      if (room < 0) await this.#remove(name).catch(() => {});
    }
  }

  /** At the start of a host: what nobody needs, and what processes that were killed have left. */
  async sweep(): Promise<void> {
    await removeLeftovers(this.#root, NEW);
    for (const name of await readdir(this.#root).catch(() => []))
      if (name.startsWith(REMOVED)) await rm(join(this.#root, name), { recursive: true, force: true });
    await this.#prune();
  }
}

const readRecord = async (folder: string) =>
  recordSchema.parse(JSON.parse(await readFile(join(folder, RECORD), 'utf8')));

/**
 * An empty folder with these files, as links; as copies where the file system has no links. What an earlier attempt has left goes first: it may be
 * links as well, and is not written over.
 */
async function fill(dataDir: string, from: string, names: readonly string[]): Promise<void> {
  await rm(dataDir, { recursive: true, force: true });
  await mkdir(dataDir, { recursive: true });
  for (const name of names) {
    try {
      await link(join(from, name), join(dataDir, name));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'ENOENT' || code === 'ENOSPC') throw error;
      await copyFile(join(from, name), join(dataDir, name), constants.COPYFILE_FICLONE);
    }
  }
}
