/** Why a text file cannot be read, in words a person can act on: the line, and what is wrong with it. */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { CollieError } from '../../shared/errors.ts';
import { describe } from './bad-row.ts';
import { duckdbReason } from './duckdb.ts';
import { jsonFault } from './json-fault.ts';

const EXCERPT = 80;

/** Parsers quote what they stumble over, however long it is. */
const MOST_REASON = 600;
const shortened = (what: string) => (what.length > MOST_REASON ? `${what.slice(0, MOST_REASON)}…` : what);

const excerpt = (line: string) => (line.length > EXCERPT ? `${line.slice(0, EXCERPT)}…` : line);

function unreadable(
  path: string,
  what: string,
  hint: string,
  data: Record<string, unknown> = {},
): CollieError {
  return new CollieError('dataset.unreadable', `${path} cannot be read: ${shortened(what)}`, hint, {
    path,
    ...data,
  });
}

const NOT_UTF8 = 'it holds bytes that are not UTF-8';
const SAVE_AS_UTF8 = 'Save the file as UTF-8, or import it with the encoding windows-1252.';

/** What is wrong with one line of JSONL; null: nothing. */
function lineFault(line: string): string | null {
  if (line.includes('\uFFFD')) return NOT_UTF8;
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    return (error as Error).message;
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return null;
  return `it is ${Array.isArray(value) ? 'a list' : `a ${value === null ? 'null' : typeof value}`}, not an object {...}`;
}

/** Lines as editors count them: they end at line feeds only, whatever else a text holds (U+2028). */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const chunk of createReadStream(path, 'utf8')) {
    const parts = (rest + (chunk as string)).split('\n');
    rest = parts.pop() ?? '';
    yield* parts;
  }
  yield rest;
}

/** Rows are there, but nothing in them. */
const isColumnless = (error: unknown) => /non-record JSON/.test((error as Error).message);

const columnless = (path: string) =>
  new CollieError(
    'dataset.empty',
    `${path} has rows, but no columns: every row is {}.`,
    'Choose a file whose rows hold something.',
    { path },
  );

/** Reads a JSONL file again, line by line, to name the first bad one; DuckDB's own count is not exact. */
async function badLine(path: string): Promise<{ line: number; fault: string; text: string } | null> {
  let line = 0;
  for await (const raw of linesOf(path)) {
    line += 1;
    const text = (line === 1 ? raw.replace(/^\uFEFF/, '') : raw).trim();
    if (text === '') continue;
    const fault = lineFault(text);
    if (fault !== null) return { line, fault, text };
  }
  return null;
}

/** CSV rows that have another number of fields than the header, by the lines of an editor. */
export function raggedCsv(
  path: string,
  ragged: readonly { line: number; fields: number }[],
  columns: number,
): CollieError {
  const named = ragged
    .slice(0, 5)
    .map(({ line, fields }) => `line ${line} has ${fields}`)
    .join(', ');
  return unreadable(
    path,
    `${ragged.length} ${ragged.length === 1 ? 'row has' : 'rows have'} another number of fields than the ${columns} of the header: ${named}${ragged.length > 5 ? ', ...' : ''}.`,
    'Quote fields that hold the delimiter or a line break, or import the file without these rows (ragged rows: leave out).',
    {
      line: ragged[0]?.line,
      lines: ragged.slice(0, 100).map(({ line }) => line),
      rows: ragged.length,
      choice: 'ragged',
    },
  );
}

/** A quote that takes the rest of the file into one field. */
export const unclosedCsv = (path: string, line: number, lines: number): CollieError =>
  unreadable(
    path,
    `a quote that opens in line ${line} is never closed${lines === 0 ? '' : `: ${lines === 1 ? 'the line' : `the ${lines} lines`} after it would be a part of its field`}.`,
    `Close or remove the quote in line ${line}; quotes within a quoted field are doubled.`,
    { line },
  );

/** A key that an object has twice, by DuckDB's words, which quote the object; the line is looked up. null: it says something else. */
async function twice(path: string, error: unknown): Promise<string | null> {
  const found = /Object (\{[\s\S]*\}) has duplicate key "([\s\S]*?)"/.exec((error as Error).message);
  if (found === null) return null;
  let line = 0;
  for await (const text of linesOf(path)) {
    line += 1;
    if (text.includes((found[1] as string).slice(0, MOST_REASON))) break;
  }
  return `line ${line}: an object has the key "${found[2]}" twice.`;
}

const KEEP_ONE = 'Keep one of the two; which is meant cannot be told.';

export async function unreadableJsonl(path: string, shown: string, error: unknown): Promise<CollieError> {
  const bad = await badLine(path);
  if (bad === null && isColumnless(error)) return columnless(shown);
  const key = await twice(path, error);
  if (bad === null && key !== null) return unreadable(shown, key, KEEP_ONE);
  if (bad === null) return unreadable(shown, duckdbReason(error), 'Every line must hold one JSON object.');
  return badLineError(shown, bad);
}

const badLineError = (shown: string, bad: { line: number; fault: string; text: string }): CollieError =>
  unreadable(
    shown,
    `line ${bad.line} is not a JSON object: ${bad.fault}. It begins: ${excerpt(bad.text)}`,
    bad.fault === NOT_UTF8
      ? SAVE_AS_UTF8
      : `Fix or delete line ${bad.line}. Every line must hold one JSON object.`,
    { line: bad.line },
  );

const LINES = /\.(jsonl|ndjson)$/i;
const isObject = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Line and column of a position in a text, both from 1. */
function place(text: string, position: number): { line: number; column: number } {
  const before = text.slice(0, position);
  const line = before.split('\n').length;
  return { line, column: position - before.lastIndexOf('\n') };
}

export async function unreadableJson(path: string, shown: string, error: unknown): Promise<CollieError> {
  const bytes = await readFile(path);
  const text = bytes.toString('utf8').replace(/^\uFEFF/, '');
  if (!isUtf8(bytes)) {
    const where = place(text, Math.max(0, text.indexOf('\uFFFD')));
    return unreadable(shown, `line ${where.line}: ${NOT_UTF8}.`, SAVE_AS_UTF8, { line: where.line });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (syntax) {
    const bad = LINES.test(path) ? await badLine(path) : null;
    // Of JSONL, what is said of its first line is said of all; a list over several lines is no line.
    if (bad?.fault.startsWith('it is')) return badLineError(shown, bad);
    const where = place(text, jsonFault(text));
    return unreadable(
      shown,
      `line ${where.line}, column ${where.column}: ${(syntax as Error).message}`,
      'Fix the file, or save it as JSONL: one object a line.',
      where,
    );
  }
  if (isColumnless(error) && /^\s*\[\s*\{\s*\}/.test(text)) return columnless(shown);
  const key = await twice(path, error);
  if (key !== null) return unreadable(shown, key, KEEP_ONE);
  const other = (Array.isArray(value) ? value : []).findIndex((one) => !isObject(one));
  if (other >= 0)
    return unreadable(
      shown,
      `entry ${other + 1} of its list is ${describe((value as unknown[])[other])}, not an object {...}.`,
      'The file must hold a list of objects: [{...}, {...}].',
      { entry: other + 1 },
    );
  return unreadable(shown, duckdbReason(error), 'The file must hold a list of objects: [{...}, {...}].');
}

export function unreadableCsv(path: string, error: unknown, columns: number): CollieError {
  const { message } = error as Error;
  if (/Invalid unicode/.test(message)) {
    const at = /Line:\s*(\d+)/.exec(message)?.[1];
    return unreadable(
      path,
      `${at === undefined ? '' : `line ${at}: `}${NOT_UTF8}.`,
      SAVE_AS_UTF8,
      at === undefined ? {} : { line: Number(at) },
    );
  }
  const line = /Line:\s*(\d+)/.exec(message)?.[1];
  const reason = message
    .split('\n')
    .map((part) => part.trim())
    .find((part) => part !== '' && !/Error on Line|^Original Line|Invalid Input Error/.test(part));
  const data = line === undefined ? {} : { line: Number(line) };
  return unreadable(
    path,
    `${line === undefined ? '' : `line ${line}: `}${reason ?? duckdbReason(error)}`,
    `Every row must have ${columns} fields, as the header line has. Quote fields that hold the delimiter or a line break, double the quotes in them, and save the file as UTF-8 (or import it with the encoding windows-1252).`,
    data,
  );
}

export const unreadableParquet = (path: string, error: unknown): CollieError =>
  unreadable(
    path,
    duckdbReason(error),
    'The Parquet file is damaged or incomplete. Copy or export it again.',
  );
