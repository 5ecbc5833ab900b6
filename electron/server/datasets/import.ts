/**
 * Any data file -> rows.parquet. Text columns become VARCHAR; every other column becomes JSON text (Parquet's JSON type),
 * value by value as it was in the file, so numbers, lists and nested objects survive without a guess at their type.
 */
import { readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { DuckDBBlobType, type DuckDBConnection, DuckDBEnumType, DuckDBVarCharType } from '@duckdb/node-api';
import type { DatasetCard } from '../../shared/api/entities.ts';
import { CollieError } from '../../shared/errors.ts';
import { columnJson, nestedJsonType } from './column-json.ts';
import { partOf } from './data-folder.ts';
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

/** Columns of a source as expressions that are VARCHAR or JSON. */
async function sourceColumns(connection: DuckDBConnection, from: string) {
  const described = await connection.runAndReadAll(`SELECT * FROM ${from} LIMIT 0`);
  return described.columnNames().map((name, k) => {
    const column = identifier(name);
    const type = described.columnType(k);
    if (type instanceof DuckDBBlobType)
      return {
        name,
        text: true,
        bytes: column,
        expression: `coalesce(TRY(decode(${column})), base64(${column}))`,
      };
    if (type.alias !== 'JSON' && (type instanceof DuckDBVarCharType || type instanceof DuckDBEnumType))
      return { name, text: true, expression: `CAST(${column} AS VARCHAR)` };
    return { name, text: false, expression: columnJson(name, type), nested: nestedJsonType(type) };
  });
}

type SourceColumn = Awaited<ReturnType<typeof sourceColumns>>[number];

/** The JSON types of a column's values, as a list in SQL; text needs none. */
function typesHeld({ name, text, expression, bytes, nested }: SourceColumn): string {
  if (bytes !== undefined)
    return `CASE WHEN count_if(TRY(decode(${bytes})) IS NULL AND ${bytes} IS NOT NULL) > 0 THEN ['BLOB'] ELSE ['VARCHAR'] END`;
  if (text) return 'CAST(NULL AS VARCHAR[])';
  if (nested) return `CASE WHEN count(${identifier(name)}) > 0 THEN ['${nested}'] END`;
  return `list_distinct(list(json_type(${expression})))`;
}

/** Number of rows, and which JSON types each column holds. One pass over the source. */
async function survey(connection: DuckDBConnection, from: string) {
  const columns = await sourceColumns(connection, from);
  const types = columns.map((column, k) => `${typesHeld(column)} AS t${k}`);
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

function partNotes(path: string): string[] {
  const part = partOf(path);
  return part === null
    ? []
    : [
        `This file is part ${part.part} of ${part.parts} of its split; the other parts are files of their own and not in this dataset.`,
      ];
}

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
    notes: [...partNotes(path), ...(source.notes ?? [])],
  };
}
