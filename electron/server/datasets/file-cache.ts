/** Data files that a spec names by path: imported into a cache that is found again by the file's content. */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, extname, join, resolve as resolvePath } from 'node:path';
import { insteadOfFile } from '../files/regular.ts';
import { folderError } from './data-folder.ts';
import type { TaskOptions } from './duckdb.ts';
import { fileHash } from './file-hashes.ts';
import {
  type DatasetSource,
  importInto,
  notFound,
  openDatasetFolder,
  readCard,
  removeAbandoned,
  temporaryName,
} from './folder.ts';
import { ROWS_FILE } from './import.ts';

/** Contents that are kept; the oldest go first. */
const KEPT = 16;

/** An absolute path: `~` is the home folder, anything relative starts at `base`. */
export const absolutePath = (path: string, base = process.cwd()): string =>
  resolvePath(base, path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path);

/** Makes room for one more. */
async function prune(cacheFolder: string): Promise<void> {
  await removeAbandoned(cacheFolder);
  const names = (await readdir(cacheFolder)).filter((name) => !name.startsWith('.'));
  const aged = await Promise.all(
    names.map(async (name) => ({
      name,
      mtimeMs: (await stat(join(cacheFolder, name)).catch(() => null))?.mtimeMs ?? 0,
    })),
  );
  const old = aged.sort((a, b) => b.mtimeMs - a.mtimeMs).slice(KEPT - 1);
  await Promise.all(old.map(({ name }) => rm(join(cacheFolder, name), { recursive: true, force: true })));
}

/**
 * A data file as a dataset: rows.parquet of the library as it is, anything else through an import into `cacheFolder`,
 * which is found again by the hash of the file's content. Throws what importing throws.
 */
export async function openDatasetFile(
  path: string,
  cacheFolder: string,
  options: TaskOptions = {},
  hashOf: (path: string) => Promise<string> = fileHash,
): Promise<DatasetSource> {
  const info = await stat(path).catch(() => null);
  if (info === null) throw notFound(`There is no file ${path}.`, 'Check the path of the dataset.', { path });
  if (basename(path) === ROWS_FILE && (await readCard(dirname(path))) !== null)
    return openDatasetFolder(dirname(path));
  if (info.isDirectory() && (await readCard(path)) === null) throw await folderError(path);
  if (info.isDirectory()) return openDatasetFolder(path);
  const instead = await insteadOfFile(path);
  if (instead !== null)
    throw notFound(`${path} is ${instead}.`, 'Choose a data file, or a dataset of the library.', { path });
  const id = await hashOf(path);
  // The extension decides where the content cannot, so it is part of the name.
  const folder = join(
    cacheFolder,
    `${id.slice(0, 40)}${extname(path)
      .toLowerCase()
      .replace(/[^.a-z0-9]/g, '')}`,
  );
  if ((await readCard(folder)) === null) {
    await mkdir(cacheFolder, { recursive: true });
    await prune(cacheFolder);
    const temporary = temporaryName(cacheFolder);
    await importInto(temporary, path, { id, name: basename(path) }, options);
    await rm(folder, { recursive: true, force: true });
    await rename(temporary, folder).catch(async (error: NodeJS.ErrnoException) => {
      await rm(temporary, { recursive: true, force: true });
      if ((await readCard(folder)) === null) throw error; // else another process was faster with the same content
    });
  }
  const { card, rowsPath } = await openDatasetFolder(folder);
  return { card: { ...card, name: basename(path), source: path }, rowsPath };
}
