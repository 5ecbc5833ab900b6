/** What an import would bring, and which of its rows cannot be trained on: told before it is done. */
import { rename, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { DatasetCard, DatasetPreview, UnusableRows } from '../../shared/api/entities.ts';
import { unusableSentences } from '../../shared/api/unusable-rows.ts';
import { CollieError } from '../../shared/errors.ts';
import { type TaskOptions, withDuckDB } from './duckdb.ts';
import { type DatasetSource, importInto, temporaryName } from './folder.ts';
import { type ImportOptions, ROWS_FILE } from './import.ts';
import { mappedColumns, rowChat } from './messages.ts';
import { readBatches, readPage } from './rows.ts';
import { fileLiteral, literal } from './sql.ts';
import { UnusableTally } from './unusable.ts';
import { unusedSentences } from './unused.ts';

const SAMPLE_ROWS = 5;

/** Of a text; a row may hold a book. */
const MOST_SHOWN = 2000;

/** Long values cut off; lists and objects become their JSON then. */
function shortened(row: Record<string, unknown>): Record<string, unknown> {
  const cut = (value: unknown) => {
    const text = typeof value === 'string' ? value : JSON.stringify(value ?? null);
    return text.length > MOST_SHOWN ? `${text.slice(0, MOST_SHOWN)}…` : value;
  };
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, cut(value)]));
}

/** Reads the file into a hidden folder below `parent`, which is gone afterwards. Throws as an import does. */
export async function previewFile(
  path: string,
  parent: string,
  options: ImportOptions,
): Promise<DatasetPreview> {
  const folder = temporaryName(parent);
  try {
    const card = await importInto(folder, path, { id: '', name: basename(path) }, options);
    const source = { card, rowsPath: join(folder, ROWS_FILE) };
    const names = card.columns.map(({ name }) => name);
    const { rows: sample } = await readPage(source.rowsPath, names, {
      offset: 0,
      limit: SAMPLE_ROWS,
      search: '',
    });
    const { format, columns, rows, sizeBytes, notes, mapping } = card;
    const { unusable } = await findUnusable(source, options);
    const unused = mapping === null ? [] : unusedSentences(card, mapping);
    return {
      format,
      columns,
      rows,
      sizeBytes,
      notes,
      mapping,
      unusable,
      unused,
      sample: sample.map(shortened),
    };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

export interface FoundRows {
  unusable: UnusableRows[];
  /** Where they are, from 0. */
  indices: number[];
  /** false: so many rows from the start are of no use that the rest was not looked at. */
  complete: boolean;
}

/** Rows that the mapping of the card cannot train on, whichever model it is; none without a mapping. */
export async function findUnusable(source: DatasetSource, options: TaskOptions): Promise<FoundRows> {
  const { mapping } = source.card;
  const tally = new UnusableTally();
  const indices: number[] = [];
  if (mapping === null) return { unusable: [], indices, complete: true };
  let complete = true;
  const look = async (rows: Record<string, unknown>[], first: number) => {
    for (const [k, row] of rows.entries())
      try {
        rowChat(row, first + k, mapping, '');
      } catch (error) {
        indices.push(first + k);
        tally.add(error, first + k);
      }
  };
  try {
    await readBatches(source.rowsPath, mappedColumns(mapping), look, { signal: options.signal });
  } catch (error) {
    // A thousand rows from the start are of no use: counted so far, the columns are what is wrong.
    if (!(error instanceof CollieError) || error.code !== 'dataset.bad_row') throw error;
    complete = false;
  }
  return { unusable: tally.list(), indices, complete };
}

/** The card and rows without those that cannot be trained on. Throws dataset.bad_row where no row would be left. */
export async function withoutUnusable(
  folder: string,
  card: DatasetCard,
  options: TaskOptions,
): Promise<DatasetCard> {
  const rowsPath = join(folder, ROWS_FILE);
  const { unusable, indices, complete } = await findUnusable({ card, rowsPath }, options);
  if (indices.length === 0) return card;
  if (!complete || indices.length === card.rows)
    throw new CollieError(
      'dataset.bad_row',
      `${complete ? 'No row would be left' : `The first ${indices.length} rows would all be left out`}. ${unusableSentences(unusable, card.rows).join(' ')}`,
      'Import the file with all rows, then choose the columns that hold prompt and answer.',
      { rows: card.rows },
    );
  const kept = `${rowsPath}.kept`;
  await withDuckDB(async (connection) => {
    const from = `read_parquet(${fileLiteral(rowsPath)}, file_row_number = true)`;
    const select = `SELECT * EXCLUDE (file_row_number) FROM ${from} WHERE file_row_number NOT IN (${indices.join(', ')}) ORDER BY file_row_number`;
    await connection.run(`COPY (${select}) TO ${literal(kept)} (FORMAT parquet, COMPRESSION zstd)`);
  }, options);
  await rename(kept, rowsPath);
  const notes = unusableSentences(unusable, card.rows).map(
    (sentence) => `${sentence.replace(/\.$/, '')}; they were left out.`,
  );
  return { ...card, rows: card.rows - indices.length, notes: [...card.notes, ...notes] };
}
