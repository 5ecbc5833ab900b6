/**
 * Any data file -> rows.parquet. Text columns become VARCHAR; every other column becomes JSON text (Parquet's JSON type),
 * value by value as it was in the file, so numbers, lists and nested objects survive without a guess at their type.
 */
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetCard } from '../../shared/api/entities.ts';
import { CollieError } from '../../shared/errors.ts';
import { csvShape } from './csv.ts';
import { type Detected, detectFormat, type Format } from './detect.ts';
import { type TaskOptions, withDuckDB } from './duckdb.ts';
import { fileLiteral, identifier, literal } from './sql.ts';
import { unreadableCsv, unreadableJson, unreadableJsonl, unreadableParquet } from './unreadable.ts';

export const ROWS_FILE = 'rows.parquet';
/** A file that DuckDB cannot read as it is, in a form it can; gone when the import is done. */
const COPY_FILE = 'source.jsonl';

/** Largest JSON file that is one object, bytes: it is parsed at once. */
const MAX_JSON_BYTES = 512 * 1024 * 1024;
/** Largest row of a JSON file, bytes. DuckDB allocates a few buffers of this size. */
const MAX_ROW_BYTES = 32 * 1024 * 1024;

export interface ImportedRows {
  format: Format;
  columns: DatasetCard['columns'];
  rows: number;
  /** Size of the source file. */
  sizeBytes: number;
}

/** How to read a source: a FROM clause, and what an error in it means. */
interface Source {
  from: string;
  explain: (error: unknown) => Promise<CollieError> | CollieError;
}

const jsonOptions = (sizeBytes: number) =>
  `records = true, maximum_depth = 1, sample_size = -1, map_inference_threshold = -1, maximum_object_size = ${Math.min(sizeBytes + 1024, MAX_ROW_BYTES)}`;

function jsonlSource(path: string, sizeBytes: number, shown: string): Source {
  return {
    from: `read_json(${fileLiteral(path)}, format = 'newline_delimited', ${jsonOptions(sizeBytes)})`,
    explain: (error) => unreadableJsonl(shown, error),
  };
}

function csvSource(path: string, head: string): Source {
  const shape = csvShape(head);
  if (shape === null) {
    throw new CollieError(
      'dataset.unreadable',
      `${path} cannot be read: a quote in its header line is never closed.`,
      'Fix the first line: it must name the columns.',
      { path, line: 1 },
    );
  }
  const columns = shape.columns.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  return {
    from: `read_csv(${fileLiteral(path)}, auto_detect = false, header = true, delim = ${literal(shape.delimiter)}, quote = '"', escape = '"', columns = {${columns}}, allow_quoted_nulls = false, max_line_size = 16777216)`,
    explain: (error) => unreadableCsv(path, error, shape.columns.length),
  };
}

/** The list inside `{"data": [...]}`: the only value of the object that is a list of objects. */
function wrappedList(value: unknown, path: string): unknown[] {
  const entries = Object.entries(value as Record<string, unknown>);
  const lists = entries.filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  if (lists.length === 1 && lists[0]) return lists[0][1];
  const names = lists.map(([name]) => name).join(', ');
  throw new CollieError(
    'dataset.unreadable',
    `${path} holds one object with ${lists.length === 0 ? 'no list' : `several lists (${names})`} in it.`,
    'A JSON file must hold a list of objects, or an object with exactly one list of objects.',
    { path },
  );
}

function* jsonLines(list: readonly unknown[]): Generator<string> {
  for (const item of list) yield `${JSON.stringify(item)}\n`;
}

/** A JSON file that is an object is unwrapped into JSONL beside the result. */
async function unwrapJson(path: string, sizeBytes: number, folder: string): Promise<Source> {
  if (sizeBytes > MAX_JSON_BYTES) {
    throw new CollieError(
      'dataset.unreadable',
      `${path} is one JSON object of ${sizeBytes} bytes; at most ${MAX_JSON_BYTES} are read at once.`,
      'Save it as JSONL: one object a line.',
      { path },
    );
  }
  let value: unknown;
  try {
    value = JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (error) {
    throw await unreadableJson(path, error);
  }
  const list = wrappedList(value, path);
  if (list.length === 0) throw emptyDataset(path);
  const lines = join(folder, COPY_FILE);
  await pipeline(Readable.from(jsonLines(list)), createWriteStream(lines));
  return jsonlSource(lines, sizeBytes, path);
}

/** DuckDB's JSON reader takes no byte order mark: such a file is read from a copy without it. */
async function withoutMark(path: string, { markBytes }: Detected, folder: string): Promise<string> {
  if (markBytes === 0) return path;
  const copy = join(folder, COPY_FILE);
  await pipeline(createReadStream(path, { start: markBytes }), createWriteStream(copy));
  return copy;
}

async function sourceOf(path: string, detected: Detected, folder: string): Promise<Source> {
  const { format, head, sizeBytes } = detected;
  switch (format) {
    case 'jsonl':
      return jsonlSource(await withoutMark(path, detected, folder), sizeBytes, path);
    case 'json':
      if (!head.trimStart().startsWith('[')) return unwrapJson(path, sizeBytes, folder);
      if (/^\s*\[\s*\]\s*$/.test(head)) throw emptyDataset(path);
      return {
        from: `read_json(${fileLiteral(await withoutMark(path, detected, folder))}, format = 'array', ${jsonOptions(sizeBytes)})`,
        explain: (error) => unreadableJson(path, error),
      };
    case 'csv':
      return csvSource(path, head);
    case 'parquet':
      return {
        from: `read_parquet(${fileLiteral(path)})`,
        explain: (error) => unreadableParquet(path, error),
      };
  }
}

const emptyDataset = (path: string) =>
  new CollieError('dataset.empty', `${path} has no rows.`, 'Choose a file with at least one row.', { path });

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

/** Columns of a source as expressions that are VARCHAR or JSON. */
async function sourceColumns(connection: DuckDBConnection, from: string) {
  const described = await connection.runAndReadAll(`DESCRIBE SELECT * FROM ${from}`);
  return described.getRowsJS().map(([name, type]) => {
    const column = identifier(name as string);
    if (isText(type as string))
      return { name: name as string, text: true, expression: `CAST(${column} AS VARCHAR)` };
    return { name: name as string, text: false, expression: type === 'JSON' ? column : `to_json(${column})` };
  });
}

/** Number of rows, and which JSON types each column holds. One pass over the source. */
async function survey(connection: DuckDBConnection, from: string) {
  const columns = await sourceColumns(connection, from);
  const types = columns.map(({ text, expression }, k) =>
    text ? `CAST(NULL AS VARCHAR[]) AS t${k}` : `list_distinct(list(json_type(${expression}))) AS t${k}`,
  );
  const result = await connection.runAndReadAll(`SELECT count(*) AS n, ${types.join(', ')} FROM ${from}`);
  const [rows, ...found] = result.getRowsJS()[0] ?? [];
  return {
    rows: Number(rows ?? 0),
    columns: columns.map((column, k) => {
      const held = new Set(((found[k] as string[] | null) ?? []).filter((type) => type !== 'NULL'));
      return { ...column, type: column.text ? 'text' : typeWord(held) };
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

/**
 * Reads a data file and writes `folder`/rows.parquet; the folder must exist and is the caller's to remove on failure.
 * Throws dataset.not_found, dataset.unreadable (with the line), dataset.empty, disk.full, job.cancelled.
 */
export async function importRows(
  path: string,
  folder: string,
  options: TaskOptions = {},
): Promise<ImportedRows> {
  const detected = await detectFormat(path);
  const source = await sourceOf(path, detected, folder);
  const { rows, columns } = await withDuckDB(async (connection) => {
    try {
      const found = await survey(connection, source.from);
      if (found.rows === 0) throw emptyDataset(path);
      const select = `SELECT ${found.columns.map(stored).join(', ')} FROM ${source.from}`;
      const target = literal(join(folder, ROWS_FILE));
      await connection.run(`COPY (${select}) TO ${target} (FORMAT parquet, COMPRESSION zstd)`);
      return found;
    } catch (error) {
      if (error instanceof CollieError || options.signal?.aborted || /No space left/i.test(String(error)))
        throw error;
      throw await source.explain(error);
    }
  }, options);
  await rm(join(folder, COPY_FILE), { force: true });
  return {
    format: detected.format,
    columns: columns.map(({ name, type }) => ({ name, type })),
    rows,
    sizeBytes: detected.sizeBytes,
  };
}
