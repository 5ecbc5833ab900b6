/** How DuckDB reads a source of each format, and what is tried when it cannot. */
import { createReadStream, createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { CollieError } from '../../shared/errors.ts';
import { moduleBeside, runApart } from '../host/apart.ts';
import { isMessageList } from './chat-messages.ts';
import { csvShape, raggedRecords, separatorLine } from './csv.ts';
import type { Detected } from './detect.ts';
import { beginsWithMessage, conversations } from './json-conversations.ts';
import { looseObjects, type Replaced } from './loose-json.ts';
import { fileLiteral, literal } from './sql.ts';
import type { Encoding } from './unpack.ts';
import {
  raggedCsv,
  unclosedCsv,
  unreadableCsv,
  unreadableJson,
  unreadableJsonl,
  unreadableParquet,
} from './unreadable.ts';

/** A file that DuckDB cannot read as it is, in a form it can; the folder is swept when the import is done. */
const COPY_FILE = 'source.jsonl';
const CSV_COPY = 'source.csv';

/** Largest JSON file that is one object, bytes: it is parsed at once. */
const MAX_JSON_BYTES = 512 * 1024 * 1024;
/** Largest row of a JSON file, bytes. DuckDB allocates a few buffers of this size. */
const MAX_ROW_BYTES = 32 * 1024 * 1024;

/** What a person chose for a file that is not as it should be. */
export interface ImportChoices {
  /** Of text files; UTF-16 is seen by itself. Left out: UTF-8. */
  encoding?: Encoding | undefined;
  /** CSV rows with more or fewer fields than the header: an error that names them, or left out. Left out: refuse. */
  ragged?: 'refuse' | 'leave_out' | undefined;
  /** Rows that the guessed mapping cannot train on. Left out: kept. */
  unusable?: 'keep' | 'leave_out' | undefined;
}

/** Where a source is: the file to read, what errors call it, and where copies may be made. */
export interface Place {
  path: string;
  shown: string;
  folder: string;
  choices: ImportChoices;
}

/** How to read a source: a FROM clause, and what an error in it means. */
export interface Source {
  from: string;
  /** What was changed while reading, in sentences. */
  notes?: string[];
  /** Another way to read it after an error; null: there is none. */
  retry?: () => Promise<Source | null>;
  explain: (error: unknown) => Promise<CollieError> | CollieError;
}

export const emptyDataset = (path: string) =>
  new CollieError('dataset.empty', `${path} has no rows.`, 'Choose a file with at least one row.', { path });

const jsonOptions = (sizeBytes: number) =>
  `records = true, maximum_depth = 1, sample_size = -1, map_inference_threshold = -1, maximum_object_size = ${Math.min(sizeBytes + 1024, MAX_ROW_BYTES)}`;

const lines = (path: string, sizeBytes: number) =>
  `read_json(${fileLiteral(path)}, format = 'newline_delimited', ${jsonOptions(sizeBytes)})`;

/** A whole file as text without its mark; null: it holds bytes that are not UTF-8, for which the error names the line. */
async function utf8(path: string): Promise<string | null> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(path));
  } catch (error) {
    if (error instanceof TypeError) return null;
    throw error;
  }
}

/** The objects of a file whose JSON is not as it should be, one a line. null: it is too large, or holds something else. */
async function loosened(
  { path, folder }: Place,
  sizeBytes: number,
  explain: Source['explain'],
): Promise<Source | null> {
  if (sizeBytes > MAX_JSON_BYTES) return null;
  const replaced: Replaced = { notFinite: 0, surrogates: 0 };
  const text = await utf8(path);
  if (text === null) return null;
  const copy = join(folder, `loose-${COPY_FILE}`);
  const lists = { conversations: 0 };
  const objects = conversations(looseObjects(text, replaced), lists);
  function* written(): Generator<string> {
    for (const object of objects) yield `${object}\n`;
  }
  try {
    await pipeline(Readable.from(written()), createWriteStream(copy));
  } catch (error) {
    if (error instanceof SyntaxError) return null;
    throw error;
  }
  const notes = [
    ...(lists.conversations > 0
      ? [`Lists of messages became conversations, in the column "messages": ${lists.conversations}.`]
      : []),
    ...(replaced.notFinite > 0 ? [`NaN and infinite values became null: ${replaced.notFinite}.`] : []),
    ...(replaced.surrogates > 0
      ? [`Lone surrogates (\\ud800 to \\udfff) became U+FFFD: ${replaced.surrogates}.`]
      : []),
  ];
  return { from: lines(copy, sizeBytes * 2), notes, explain };
}

function jsonlSource(place: Place, sizeBytes: number): Source {
  const explain = (error: unknown) => unreadableJsonl(place.path, place.shown, error);
  return { from: lines(place.path, sizeBytes), explain, retry: () => loosened(place, sizeBytes, explain) };
}

/** A CSV file without its ragged rows, or null when there are none. */
async function withoutRagged(
  place: Place,
  delimiter: string,
  columns: string[],
  skipped: number,
  explain: Source['explain'],
) {
  const text = await utf8(place.path);
  if (text === null) return null;
  const { kept, ragged, unclosed } = raggedRecords(text, delimiter, columns.length);
  // Left out as one ragged row, all rows after it would go with it.
  if (unclosed !== null) throw unclosedCsv(place.shown, unclosed.line + skipped, unclosed.lines);
  if (ragged.length === 0) return null;
  const found = ragged.map(({ line, fields }) => ({ line: line + skipped, fields }));
  if (place.choices.ragged !== 'leave_out') throw raggedCsv(place.shown, found, columns.length);
  const copy = join(place.folder, `kept-${CSV_COPY}`);
  await pipeline(Readable.from(kept), createWriteStream(copy));
  const named = found
    .slice(0, 5)
    .map(({ line }) => line)
    .join(', ');
  return {
    from: csvFrom(copy, delimiter, columns),
    notes: [
      `${found.length} ${found.length === 1 ? 'row has' : 'rows have'} another number of fields than the header and ${found.length === 1 ? 'was' : 'were'} left out (${found.length === 1 ? 'line' : 'lines'} ${named}${found.length > 5 ? ', ...' : ''}).`,
    ],
    explain,
  };
}

function csvFrom(path: string, delimiter: string, names: readonly string[]): string {
  const columns = names.map((name) => `${literal(name)}: 'VARCHAR'`).join(', ');
  return `read_csv(${fileLiteral(path)}, auto_detect = false, header = true, delim = ${literal(delimiter)}, quote = '"', escape = '"', columns = {${columns}}, allow_quoted_nulls = false, max_line_size = 16777216)`;
}

async function csvSource(given: Place, { head, markBytes }: Detected): Promise<Source> {
  const separator = separatorLine(head);
  let place = given;
  if (separator !== null) {
    // Excel's own line, which names the delimiter and is no row.
    const copy = join(given.folder, CSV_COPY);
    const start = markBytes + Buffer.byteLength(separator.line);
    await pipeline(createReadStream(given.path, { start }), createWriteStream(copy));
    place = { ...given, path: copy };
  }
  const shape = csvShape(separator === null ? head : head.slice(separator.line.length), separator?.delimiter);
  if (shape === null) {
    throw new CollieError(
      'dataset.unreadable',
      `${given.shown} cannot be read: a quote in its header line is never closed.`,
      'Fix the first line: it must name the columns.',
      { path: given.shown, line: 1 },
    );
  }
  const explain = (error: unknown) => unreadableCsv(given.shown, error, shape.columns.length);
  return {
    from: csvFrom(place.path, shape.delimiter, shape.columns),
    explain,
    retry: () => withoutRagged(place, shape.delimiter, shape.columns, separator === null ? 0 : 1, explain),
  };
}

/** The list inside `{"data": [...]}`: the only value of the object that is a list of objects; null: there is none. */
function wrappedList(value: unknown): unknown[] | string {
  const entries = Object.entries(value as Record<string, unknown>);
  const lists = entries.filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  // One conversation is a row, its messages are none.
  if (lists.length === 1 && isMessageList(lists[0]?.[1])) return [value];
  if (lists.length === 1 && lists[0]) return lists[0][1];
  const names = lists.map(([name]) => name).join(', ');
  return `holds one object with ${lists.length === 0 ? 'no list' : `several lists (${names})`} in it.`;
}

function* jsonLines(list: readonly unknown[]): Generator<string> {
  for (const item of list) yield `${JSON.stringify(item)}\n`;
}

/** A JSON file that is an object is unwrapped into JSONL beside the result; several objects one after another are rows. */
async function unwrapJson(place: Place, sizeBytes: number): Promise<Source> {
  const { path, shown, folder } = place;
  if (sizeBytes > MAX_JSON_BYTES) {
    throw new CollieError(
      'dataset.unreadable',
      `${shown} is one JSON object of ${sizeBytes} bytes; at most ${MAX_JSON_BYTES} are read at once.`,
      'Save it as JSONL: one object a line.',
      { path: shown },
    );
  }
  const explain = (error: unknown) => unreadableJson(path, shown, error);
  let value: unknown;
  try {
    value = JSON.parse((await readFile(path, 'utf8')).replace(/^\uFEFF/, ''));
  } catch (error) {
    const several = await loosened(place, sizeBytes, explain);
    if (several !== null) return several;
    throw await explain(error);
  }
  const list = wrappedList(value);
  if (typeof list === 'string') {
    throw new CollieError(
      'dataset.unreadable',
      `${shown} ${list}`,
      'A JSON file must hold a list of objects, or an object with exactly one list of objects.',
      { path: shown },
    );
  }
  if (list.length === 0) throw emptyDataset(shown);
  const copy = join(folder, COPY_FILE);
  await pipeline(Readable.from(jsonLines(list)), createWriteStream(copy));
  return jsonlSource({ ...place, path: copy }, sizeBytes);
}

/** DuckDB's JSON reader takes no byte order mark: such a file is read from a copy without it. */
async function withoutMark({ path, folder }: Place, { markBytes }: Detected): Promise<string> {
  if (markBytes === 0) return path;
  const copy = join(folder, `plain-${COPY_FILE}`);
  await pipeline(createReadStream(path, { start: markBytes }), createWriteStream(copy));
  return copy;
}

/** A row for every line that is not blank, as datasets' "text" has it. */
async function textSource(place: Place, sizeBytes: number): Promise<Source> {
  const text = await utf8(place.path);
  if (text === null)
    throw new CollieError(
      'dataset.unreadable',
      `${place.shown} cannot be read: it holds bytes that are not UTF-8.`,
      'Save it as UTF-8, or import it with the encoding windows-1252.',
      { path: place.shown },
    );
  const rows = text.split(/\r\n|\n|\r/).filter((line) => line.trim() !== '');
  const copy = join(place.folder, COPY_FILE);
  await pipeline(Readable.from(jsonLines(rows.map((line) => ({ text: line })))), createWriteStream(copy));
  return jsonlSource({ ...place, path: copy }, sizeBytes * 2);
}

async function arrowSource(place: Place, sizeBytes: number): Promise<Source> {
  const copy = join(place.folder, COPY_FILE);
  const module = moduleBeside(import.meta.url, 'arrow');
  // Columns lie outside of the heap, so that this does not limit sound files. Above 2 GB V8 may end the process instead of the thread.
  const limits = { seconds: 3600, memoryMb: 1024, what: place.shown };
  await runApart(module, 'arrowToJsonl', [place.path, copy, place.shown], limits);
  return jsonlSource({ ...place, path: copy }, Math.max(sizeBytes * 8, 2 ** 20));
}

export async function sourceOf(place: Place, detected: Detected): Promise<Source> {
  const { format, head, sizeBytes } = detected;
  const { path, shown } = place;
  switch (format) {
    case 'jsonl':
      return jsonlSource({ ...place, path: await withoutMark(place, detected) }, sizeBytes);
    case 'json': {
      if (!head.trimStart().startsWith('[')) return unwrapJson(place, sizeBytes);
      if (/^\s*\[\s*\]\s*$/.test(head)) throw emptyDataset(shown);
      const plain = { ...place, path: await withoutMark(place, detected) };
      const explain = (error: unknown) => unreadableJson(path, shown, error);
      // To DuckDB, messages of one conversation would be rows of a table.
      const lists = beginsWithMessage(head) ? await loosened(plain, sizeBytes, explain) : null;
      if (lists !== null) return lists;
      return {
        from: `read_json(${fileLiteral(plain.path)}, format = 'array', ${jsonOptions(sizeBytes)})`,
        explain,
        retry: () => loosened(plain, sizeBytes, explain),
      };
    }
    case 'csv':
      return csvSource(place, detected);
    case 'text':
      return textSource(place, sizeBytes);
    case 'arrow':
      return arrowSource(place, sizeBytes);
    case 'parquet':
      return {
        from: `read_parquet(${fileLiteral(path)})`,
        explain: (error) => unreadableParquet(shown, error),
      };
  }
}
