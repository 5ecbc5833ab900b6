/** The datasets of the library: folders <home>/datasets/<id>/ with rows.parquet and dataset.json, the card. */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import type { DatasetCard, DatasetPreview } from '../../shared/api/entities.ts';
import { CollieError } from '../../shared/errors.ts';
import type { Mapping } from '../../shared/spec/run-spec.ts';
import { replaceText, writeText } from '../files/write.ts';
import type { TaskOptions } from './duckdb.ts';
import { absolutePath, openDatasetFile } from './file-cache.ts';
import { FileHashes } from './file-hashes.ts';
import {
  CARD_FILE,
  type DatasetSource,
  importInto,
  notFound,
  readCard,
  removeAbandoned,
  temporaryName,
} from './folder.ts';
import { type ImportOptions, ROWS_FILE } from './import.ts';
import { mappedColumns } from './messages.ts';
import { previewFile, withoutUnusable } from './preview.ts';
import { type Page, readPage } from './rows.ts';

const ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/;

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

const slug = (name: string) =>
  name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .replace(/^[^A-Za-z0-9]+|[-.]+$/g, '')
    .slice(0, 80) || 'dataset';

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
  async import(path: string, name = '', options: ImportOptions = {}): Promise<DatasetCard> {
    const source = absolutePath(path);
    const shown = name.trim() || basename(source, extname(source));
    await mkdir(this.#folder, { recursive: true });
    await removeAbandoned(this.#folder);
    const temporary = temporaryName(this.#folder);
    const card = await importInto(temporary, source, { id: '', name: shown }, options);
    try {
      const kept = options.unusable === 'leave_out' ? await withoutUnusable(temporary, card, options) : card;
      return await this.#place(temporary, kept, slug(shown));
    } catch (error) {
      await rm(temporary, { recursive: true, force: true });
      throw error;
    }
  }

  /** What `import` would bring, with its problems; nothing is kept. Throws as it does. */
  async preview(path: string, options: ImportOptions = {}): Promise<DatasetPreview> {
    await mkdir(this.#folder, { recursive: true });
    await removeAbandoned(this.#folder);
    return previewFile(absolutePath(path), this.#folder, options);
  }

  /** Renames a complete folder to the first free id. */
  async #place(temporary: string, card: DatasetCard, base: string): Promise<DatasetCard> {
    for (let n = 1; ; n += 1) {
      const placed = { ...card, id: n === 1 ? base : `${base}-${n}` };
      const target = this.#path(placed.id);
      if ((await stat(target).catch(() => null)) !== null) continue;
      await writeText(join(temporary, CARD_FILE), `${JSON.stringify(placed, null, 2)}\n`);
      try {
        await rename(temporary, target);
        return placed;
      } catch (error) {
        const { code } = error as NodeJS.ErrnoException;
        if (code !== 'ENOTEMPTY' && code !== 'EEXIST') throw error; // taken in between: try the next
      }
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
    await replaceText(file, `${JSON.stringify(card, null, 2)}\n`);
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
