/** The datasets of the library: folders <home>/datasets/<id>/ with rows.parquet and dataset.json, the card. */
import { createHash, randomBytes } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { basename, dirname, extname, join, resolve as resolvePath } from 'node:path';
import { type DatasetCard, datasetCardSchema } from '../../shared/entities.ts';
import { CollieError } from '../../shared/errors.ts';
import type { Mapping } from '../../shared/run-spec.ts';
import { cancelled, type TaskOptions } from './duckdb.ts';
import { guessMapping } from './guess.ts';
import { importRows, ROWS_FILE } from './import.ts';
import { mappedColumns } from './messages.ts';
import { type Page, readPage } from './rows.ts';

export const CARD_FILE = 'dataset.json';
const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/;
const TEMPORARY = '.importing-';

/** A dataset that can be read: its card and where its rows are. */
export interface DatasetSource {
  card: DatasetCard;
  rowsPath: string;
}

const notFound = (what: string, hint: string, data: Record<string, unknown>) =>
  new CollieError('dataset.not_found', what, hint, data);

/** Throws dataset.missing_column when the mapping names a column the dataset has not. */
export function checkColumns(card: DatasetCard, mapping: Mapping): void {
  const names = card.columns.map(({ name }) => name);
  for (const column of mappedColumns(mapping)) {
    if (names.includes(column)) continue;
    throw new CollieError(
      'dataset.missing_column',
      `The dataset "${card.name}" has no column "${column}". It has: ${names.join(', ')}.`,
      'Choose one of these columns.',
      { column, columns: names },
    );
  }
}

/** Imports a file into `folder` (made here) as a complete dataset; removes the folder again when anything fails. */
async function importInto(
  folder: string,
  path: string,
  card: { id: string; name: string },
  options: TaskOptions,
): Promise<DatasetCard> {
  await mkdir(folder, { recursive: true });
  try {
    const imported = await importRows(path, folder, options);
    const names = imported.columns.map(({ name }) => name);
    const first = await readPage(join(folder, ROWS_FILE), names, { offset: 0, limit: 1, search: '' });
    const complete: DatasetCard = {
      ...card,
      source: path,
      ...imported,
      mapping: guessMapping(imported.columns, first.rows[0] ?? {}),
      importedAt: new Date().toISOString(),
    };
    if (options.signal?.aborted) throw cancelled();
    await writeFile(join(folder, CARD_FILE), `${JSON.stringify(complete, null, 2)}\n`);
    return complete;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}

const slug = (name: string) =>
  name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[-.]+$/g, '')
    .slice(0, 80) || 'dataset';

async function fileHash(path: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(path)) hash.update(chunk as Buffer);
  return hash.digest('hex');
}

/** Hashes of files, remembered until a file changes: a form asks for the same one at every keystroke. */
class FileHashes {
  readonly #known = new Map<string, { stamp: string; hash: Promise<string> }>();

  async of(path: string): Promise<string> {
    const { mtimeMs, size, ino } = await stat(path);
    const stamp = `${mtimeMs}:${size}:${ino}`;
    const known = this.#known.get(path);
    if (known?.stamp === stamp) return known.hash;
    const hash = fileHash(path);
    this.#known.set(path, { stamp, hash });
    hash.catch(() => this.#known.delete(path));
    return hash;
  }
}

async function readCard(folder: string): Promise<DatasetCard | null> {
  try {
    return datasetCardSchema.parse(JSON.parse(await readFile(join(folder, CARD_FILE), 'utf8')));
  } catch {
    return null; // no dataset: half a folder, or one made by a newer version
  }
}

/** The dataset in a folder of the library's layout. Throws dataset.not_found. */
export async function openDatasetFolder(folder: string): Promise<DatasetSource> {
  const card = await readCard(folder);
  if (card === null)
    throw notFound(`There is no dataset in ${folder}.`, 'It may have been removed. Import it again.', {
      path: folder,
    });
  return { card, rowsPath: join(folder, ROWS_FILE) };
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
  if (!info.isFile()) return openDatasetFolder(path);
  const id = await hashOf(path);
  // The extension decides where the content cannot, so it is part of the name.
  const folder = join(
    cacheFolder,
    `${id.slice(0, 40)}${extname(path)
      .toLowerCase()
      .replace(/[^.a-z0-9]/g, '')}`,
  );
  if ((await readCard(folder)) === null) {
    const temporary = join(cacheFolder, `${TEMPORARY}${process.pid}-${randomBytes(6).toString('hex')}`);
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

/** An absolute path: `~` is the home folder, anything relative starts at `base`. */
export const absolutePath = (path: string, base = process.cwd()): string =>
  resolvePath(base, path === '~' || path.startsWith('~/') ? join(homedir(), path.slice(1)) : path);

export class DatasetLibrary {
  readonly #folder: string;
  readonly #cache: string;
  readonly #hashes = new FileHashes();

  /** @param home the library folder ($COLLIE_HOME). */
  constructor(home: string) {
    this.#folder = join(home, 'datasets');
    this.#cache = join(home, 'cache', 'datasets');
  }

  #path(id: string): string {
    if (!ID.test(id)) throw notFound(`"${id}" is no name of a dataset.`, 'Choose one of the list.', { id });
    return join(this.#folder, id);
  }

  /** All cards, newest first. */
  async list(): Promise<DatasetCard[]> {
    const names = await readdir(this.#folder).catch(() => []);
    const cards = await Promise.all(
      names.filter((name) => ID.test(name)).map((name) => readCard(this.#path(name))),
    );
    return cards.filter((card) => card !== null).sort((a, b) => b.importedAt.localeCompare(a.importedAt));
  }

  /** Throws dataset.not_found. */
  async get(id: string): Promise<DatasetCard> {
    return (await this.open(id)).card;
  }

  /** Card and rows of a dataset of the library. Throws dataset.not_found. */
  async open(id: string): Promise<DatasetSource> {
    const folder = this.#path(id);
    const card = await readCard(folder);
    if (card !== null) return { card, rowsPath: join(folder, ROWS_FILE) };
    const known = (await this.list()).map((one) => one.id);
    throw notFound(
      `There is no dataset "${id}" in the library.`,
      known.length > 0 ? `There is: ${known.join(', ')}.` : 'Import a dataset first.',
      { id, known },
    );
  }

  /**
   * Imports a data file: into a temporary folder first, so that after a failure or a crash nothing is left in the
   * library. Throws dataset.not_found, dataset.unreadable, dataset.empty, disk.full, job.cancelled.
   */
  async import(path: string, name = '', options: TaskOptions = {}): Promise<DatasetCard> {
    const source = absolutePath(path);
    const shown = name.trim() || basename(source, extname(source));
    await mkdir(this.#folder, { recursive: true });
    await this.#removeAbandoned();
    const temporary = join(this.#folder, `${TEMPORARY}${process.pid}-${randomBytes(6).toString('hex')}`);
    const card = await importInto(temporary, source, { id: '', name: shown }, options);
    try {
      return await this.#place(temporary, card, slug(shown));
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    }
  }

  /** Renames a complete folder to the first free id. */
  async #place(temporary: string, card: DatasetCard, base: string): Promise<DatasetCard> {
    for (let n = 1; ; n += 1) {
      const placed = { ...card, id: n === 1 ? base : `${base}-${n}` };
      const target = this.#path(placed.id);
      if ((await stat(target).catch(() => null)) !== null) continue;
      await writeFile(join(temporary, CARD_FILE), `${JSON.stringify(placed, null, 2)}\n`);
      try {
        await rename(temporary, target);
        return placed;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error; // taken in between: try the next
      }
    }
  }

  /** Removes temporary folders of processes that are gone. */
  async #removeAbandoned(): Promise<void> {
    for (const name of await readdir(this.#folder)) {
      const pid = Number(/^\.importing-(\d+)-/.exec(name)?.[1] ?? Number.NaN);
      if (Number.isNaN(pid) || pid === process.pid || isAlive(pid)) continue;
      await rm(join(this.#folder, name), { recursive: true, force: true });
    }
  }

  /** A page of rows; lists and objects are JSON values. `search` finds text in any column, in any case. */
  async rows(id: string, page: { offset: number; limit: number; search: string }): Promise<Page> {
    const { card, rowsPath } = await this.open(id);
    return readPage(
      rowsPath,
      card.columns.map(({ name }) => name),
      page,
    );
  }

  /** Saves which columns hold what. Throws dataset.missing_column. */
  async setMapping(id: string, mapping: Mapping): Promise<DatasetCard> {
    const card = { ...(await this.get(id)), mapping };
    checkColumns(card, mapping);
    const file = join(this.#path(id), CARD_FILE);
    await writeFile(`${file}.tmp`, `${JSON.stringify(card, null, 2)}\n`);
    await rename(`${file}.tmp`, file);
    return card;
  }

  /** Runs have a copy of their tokens: they are not touched. Throws dataset.not_found. */
  async remove(id: string): Promise<void> {
    await this.get(id);
    await rm(this.#path(id), { recursive: true, force: true });
  }

  /**
   * What a spec's `dataset.train` or `dataset.eval` stands for: `library:<id>`, or the path of a data file.
   * Throws dataset.not_found and what importing throws.
   */
  async resolve(reference: string, base?: string, options: TaskOptions = {}): Promise<DatasetSource> {
    if (reference.startsWith('library:')) return this.open(reference.slice('library:'.length));
    return openDatasetFile(absolutePath(reference, base), this.#cache, options, (path) =>
      this.#hashes.of(path),
    );
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
