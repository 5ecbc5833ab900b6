/**
 * Any data file -> rows.parquet. Text columns become VARCHAR; every other column becomes JSON text (Parquet's JSON type),
 * value by value as it was in the file, so numbers, lists and nested objects survive without a guess at their type.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetCard } from '../../shared/api/entities.ts';
import { CollieError } from '../../shared/errors.ts';
import { detectFormat, type Format } from './detect.ts';
import { type TaskOptions, withDuckDB } from './duckdb.ts';
import { emptyDataset, type ImportChoices, type Source, sourceOf } from './sources.ts';
import { identifier, literal } from './sql.ts';
import { unpacked } from './unpack.ts';

export const ROWS_FILE = 'rows.parquet';

export type ImportOptions = TaskOptions & ImportChoices;

export interface ImportedRows {
  format: Format;
  columns: DatasetCard['columns'];
  rows: number;
  /** Size of the source file. */
  sizeBytes: number;
  /** What was changed while reading, in sentences. */
  notes: string[];
}

/** JSON types of DuckDB in words; what a card shows as the type of a column. */
function typeWord(types: ReadonlySet<string>): string {
  const words = new Set(
    [...types].map((type) => {
      if (type === 'VARCHAR') return 'text';
      if (type === 'ARRAY') return 'list';
      if (type === 'OBJECT') return 'object';
      return type === 'BOOLEAN' ? 'boolean' : 'number';
    }),
  );
  if (words.size === 0) return 'empty';
  return words.size === 1 ? ([...words][0] as string) : 'mixed';
}

const isText = (type: string) => type === 'VARCHAR' || type.startsWith('ENUM');

/** JSON has no NaN and no infinities. */
function jsonOf(column: string, type: string): string {
  if (type === 'JSON') return column;
  const json = `to_json(${column})`;
  return type === 'DOUBLE' || type === 'FLOAT' ? `CASE WHEN isfinite(${column}) THEN ${json} END` : json;
}

/** Columns of a source as expressions that are VARCHAR or JSON. */
async function sourceColumns(connection: DuckDBConnection, from: string) {
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`);
  return described.getRowsJS().map(([name, type]) => {
    const column = identifier(name as string);
    if (type === 'BLOB')
      return {
        name: name as string,
        text: true,
        bytes: column,
        expression: `coalesce(TRY(decode(${column})), base64(${column}))`,
      };
    if (isText(type as string))
      return { name: name as string, text: true, expression: `CAST(${column} AS VARCHAR)` };
    return { name: name as string, text: false, expression: jsonOf(column, type as string) };
  });
}

/** Number of rows, and which JSON types each column holds. One pass over the source. */
async function survey(connection: DuckDBConnection, from: string) {
  const columns = await sourceColumns(connection, from);
  const types = columns.map(({ text, expression, bytes }, k) =>
    bytes !== undefined
      ? `CASE WHEN count_if(TRY(decode(${bytes})) IS NULL AND ${bytes} IS NOT NULL) > 0 THEN ['BLOB'] ELSE ['VARCHAR'] END AS t${k}`
      : text
        ? `CAST(NULL AS VARCHAR[]) AS t${k}`
        : `list_distinct(list(json_type(${expression}))) AS t${k}`,
  );
  const result = await connection.runAndReadAll(`SELECT count(*) AS n, ${types.join(', ')} FROM ${from}`);
  const [rows, ...found] = result.getRowsJS()[0] ?? [];
  return {
    rows: Number(rows ?? 0),
    columns: columns.map((column, k) => {
      const held = new Set(((found[k] as string[] | null) ?? []).filter((type) => type !== 'NULL'));
      return { ...column, type: held.has('BLOB') ? 'bytes' : column.text ? 'text' : typeWord(held) };
    }),
  };
}

/** Text is stored as it is read; a column of JSON values that are all texts becomes one. */
function stored({
  name,
  text,
  expression,
  type,
}: {
  name: string;
  text: boolean;
  expression: string;
  type: string;
}) {
  const value = !text && (type === 'text' || type === 'empty') ? `${expression} ->> '$'` : expression;
  return `${value} AS ${identifier(name)}`;
}

/** Writes rows.parquet from one way of reading the source. */
async function store(connection: DuckDBConnection, source: Source, shown: string, folder: string) {
  const found = await survey(connection, source.from);
  if (found.rows === 0) throw emptyDataset(shown);
  const select = `SELECT ${found.columns.map(stored).join(', ')} FROM ${source.from}`;
  const target = literal(join(folder, ROWS_FILE));
  await connection.run(`COPY (${select}) TO ${target} (FORMAT parquet, COMPRESSION zstd)`);
  return found;
}

const isFinal = (error: unknown, options: TaskOptions) =>
  error instanceof CollieError || options.signal?.aborted || /No space left/i.test(String(error));

/** Removes the copies that were made on the way. */
async function sweep(folder: string): Promise<void> {
  const names = (await readdir(folder)).filter((name) => /(^|-)source[.-]/.test(name));
  await Promise.all(names.map((name) => rm(join(folder, name), { force: true })));
}

/**
 * Reads a data file and writes `folder`/rows.parquet; the folder must exist and is the caller's to remove on failure.
 * Throws dataset.not_found, dataset.unreadable (with the line), dataset.empty, disk.full, job.cancelled.
 */
export async function importRows(
  path: string,
  folder: string,
  options: ImportOptions = {},
): Promise<ImportedRows> {
  const readable = await unpacked(path, folder, options.encoding);
  const detected = await detectFormat(readable, path);
  let source = await sourceOf({ path: readable, shown: path, folder, choices: options }, detected);
  const { rows, columns } = await withDuckDB(async (connection) => {
    try {
      return await store(connection, source, path, folder);
    } catch (error) {
      if (isFinal(error, options)) throw error;
      const other = (await source.retry?.()) ?? null;
      if (other === null) throw await source.explain(error);
      source = other;
    }
    try {
      return await store(connection, source, path, folder);
    } catch (error) {
      throw isFinal(error, options) ? error : await source.explain(error);
    }
  }, options);
  await sweep(folder);
  return {
    format: detected.format,
    columns: columns.map(({ name, type }) => ({ name, type })),
    rows,
    sizeBytes: (await stat(path)).size,
    notes: source.notes ?? [],
  };
}
