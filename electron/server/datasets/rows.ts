/** Reading rows.parquet: pages for the table, batches for the tokenizer. */
import type { DuckDBResult, DuckDBResultReader } from '@duckdb/node-api';
import { cancelled, type TaskOptions, withDuckDB } from './duckdb.ts';
import { parseLoose } from './loose-json.ts';
import { fileLiteral, identifier } from './sql.ts';

/** A row as it was imported: texts as strings, everything else as parsed JSON, nothing as null. */
export type Row = Record<string, unknown>;

interface Column {
  name: string;
  json: boolean;
}

/** Columns of a reader; JSON columns are recognised by the type's alias, which Parquet keeps. */
function columnsOf(reader: DuckDBResultReader | DuckDBResult): Column[] {
  return reader.columnNames().map((name, k) => ({ name, json: reader.columnType(k).alias === 'JSON' }));
}

function rowOf(columns: readonly Column[], values: readonly unknown[]): Row {
  const row: Row = {};
  for (const [k, { name, json }] of columns.entries()) {
    const value = values[k] ?? null;
    row[name] = json && typeof value === 'string' ? parseLoose(value) : value;
  }
  return row;
}

/** Of each column, a value that is neither null nor empty, where there is one: the first rows are often not telling. */
export function sampleRow(path: string, columns: readonly string[]): Promise<Row> {
  const shown = [...new Set(columns)];
  const picked = shown.map((name) => {
    const column = identifier(name);
    return `first(${column}) FILTER (trim(CAST(${column} AS VARCHAR)) NOT IN ('', '[]', '{}', 'null')) AS ${column}`;
  });
  return withDuckDB(async (connection) => {
    const found = await connection.runAndReadAll(
      `SELECT ${picked.join(', ')} FROM read_parquet(${fileLiteral(path)})`,
    );
    return rowOf(columnsOf(found), found.getRowsJS()[0] ?? []);
  });
}

export interface Page {
  /** Rows that match the search; all rows without one. */
  total: number;
  rows: Row[];
  /** Position of each row in the dataset, from 0. */
  indices: number[];
}

const NUMBER = '__collie_row';

/** One page, optionally of the rows in which some column contains `search` (any case). */
export function readPage(
  path: string,
  columns: readonly string[],
  { offset, limit, search }: { offset: number; limit: number; search: string },
): Promise<Page> {
  const shown = [...new Set(columns)].map(identifier).join(', ');
  const found = columns.map(
    (name) => `contains(lower(CAST(${identifier(name)} AS VARCHAR)), lower($search))`,
  );
  const where = search === '' ? '' : `WHERE ${found.join(' OR ')}`;
  const values = search === '' ? {} : { search };
  const from = `(SELECT ${shown}, file_row_number AS ${NUMBER} FROM read_parquet(${fileLiteral(path)}, file_row_number = true))`;
  return withDuckDB(async (connection) => {
    const counted = await connection.runAndReadAll(`SELECT count(*) FROM ${from} ${where}`, values);
    const page = await connection.runAndReadAll(
      `SELECT ${NUMBER}, ${shown} FROM ${from} ${where} ORDER BY ${NUMBER} LIMIT $limit OFFSET $offset`,
      { ...values, limit, offset },
    );
    const [, ...shownColumns] = columnsOf(page);
    const rows = page.getRowsJS();
    return {
      total: Number(counted.getRowsJS()[0]?.[0] ?? 0),
      rows: rows.map(([, ...rest]) => rowOf(shownColumns, rest)),
      indices: rows.map(([number]) => Number(number)),
    };
  });
}

/** Rows handed to the tokenizer at once. */
const BATCH_ROWS = 128;

/**
 * All rows in order, in batches, with only the columns asked for. `onBatch` gets the position of the first row; the
 * next batch is read when it is done. Throws job.cancelled.
 */
export function readBatches(
  path: string,
  columns: readonly string[],
  onBatch: (rows: Row[], first: number) => Promise<void>,
  options: TaskOptions = {},
): Promise<void> {
  const shown = [...new Set(columns)].map(identifier).join(', ');
  return withDuckDB(async (connection) => {
    const result = await connection.stream(`SELECT ${shown} FROM read_parquet(${fileLiteral(path)})`);
    const columnList = columnsOf(result);
    let first = 0;
    for (
      let chunk = await result.fetchChunk();
      chunk !== null && chunk.rowCount > 0;
      chunk = await result.fetchChunk()
    ) {
      const rows = chunk.getRows().map((values) => rowOf(columnList, values));
      for (let start = 0; start < rows.length; start += BATCH_ROWS) {
        if (options.signal?.aborted) throw cancelled();
        const batch = rows.slice(start, start + BATCH_ROWS);
        await onBatch(batch, first);
        first += batch.length;
      }
    }
  }, options);
}
