/** A dataset on disk: a folder with rows.parquet and dataset.json, the card. Made in one piece or not at all. */
import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type DatasetCard, datasetCardSchema } from '../../shared/api/entities.ts';
import { CollieError } from '../../shared/errors.ts';
import { ownName, removeLeftovers } from '../files/leftovers.ts';
import { writeText } from '../files/write.ts';
import { cancelled } from './duckdb.ts';
import { guessMapping } from './guess.ts';
import { type ImportOptions, importRows, ROWS_FILE } from './import.ts';
import { sampleRow } from './rows.ts';

export const CARD_FILE = 'dataset.json';
/** How the name of a folder begins that an import is filling. */
export const IMPORTING = '.importing-';

/** A dataset that can be read: its card and where its rows are. */
export interface DatasetSource {
  card: DatasetCard;
  rowsPath: string;
}

export const notFound = (what: string, hint: string, data: Record<string, unknown>) =>
  new CollieError('dataset.not_found', what, hint, data);

/** A hidden folder for an import that is under way. */
export const temporaryName = (parent: string): string =>
  join(parent, `${ownName(IMPORTING)}${randomBytes(6).toString('hex')}`);

/** Removes temporary folders of processes that are gone. */
export const removeAbandoned = (parent: string): Promise<void> => removeLeftovers(parent, IMPORTING);

/** null: there is no dataset in this folder. */
export async function readCard(folder: string): Promise<DatasetCard | null> {
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

/** Imports a file into `folder` (made here) as a complete dataset; removes the folder again when anything fails. */
export async function importInto(
  folder: string,
  path: string,
  card: { id: string; name: string },
  options: ImportOptions,
): Promise<DatasetCard> {
  await mkdir(folder, { recursive: true });
  try {
    const imported = await importRows(path, folder, options);
    const sample = await sampleRow(
      join(folder, ROWS_FILE),
      imported.columns.map(({ name }) => name),
    );
    const complete: DatasetCard = {
      ...card,
      source: path,
      ...imported,
      mapping: guessMapping(imported.columns, sample),
      importedAt: new Date().toISOString(),
    };
    if (options.signal?.aborted) throw cancelled();
    await writeText(join(folder, CARD_FILE), `${JSON.stringify(complete, null, 2)}\n`);
    return complete;
  } catch (error) {
    await rm(folder, { recursive: true, force: true });
    throw error;
  }
}
