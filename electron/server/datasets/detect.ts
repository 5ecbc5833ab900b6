/** Which format a data file has: its content decides, the name only where content cannot. */
import { open, stat } from 'node:fs/promises';
import { extname } from 'node:path';
import type { DatasetCard } from '../../shared/api/entities.ts';
import { CollieError } from '../../shared/errors.ts';
import { insteadOfFile } from '../files/regular.ts';
import { firstRecord } from './csv.ts';
import { folderError } from './data-folder.ts';

export type Format = DatasetCard['format'];

const HEAD_BYTES = 64 * 1024;

export interface Detected {
  format: Format;
  /** First bytes as text, without a byte order mark. */
  head: string;
  /** Bytes of the byte order mark at the beginning: 0 or 3. */
  markBytes: number;
  sizeBytes: number;
}

function isJsonObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !Array.isArray(value);
  } catch {
    return false;
  }
}

function formatOfText(head: string, extension: string, complete: boolean): Format {
  if (extension === '.csv' || extension === '.tsv') return 'csv';
  const text = head.trimStart();
  if (text.startsWith('[')) return 'json';
  if (text.startsWith('{')) {
    // One object a line is JSONL, whatever the name. A long first line is JSONL if the name says so.
    const end = text.indexOf('\n');
    const alone = end < 0 && complete;
    if (isJsonObject(end < 0 ? text : text.slice(0, end)))
      return alone && extension === '.json' ? 'json' : 'jsonl';
    return extension === '.json' ? 'json' : 'jsonl';
  }
  if (extension === '.jsonl' || extension === '.ndjson') return 'jsonl';
  if (extension === '.json') return 'json';
  return PROSE.test(extension) && !isTable(text) ? 'text' : 'csv';
}

const PROSE = /^\.(txt|text|md|markdown|rst|log)$/;

/** Whether the lines of a text file are a table: the same delimiter, as often in each of the first ones, and not a comma of prose. */
function isTable(text: string): boolean {
  const lines = text
    .split(/\r\n|\n|\r/)
    .filter((line) => line.trim() !== '')
    .slice(0, 5);
  return ['\t', ';', '|', ','].some((delimiter) => {
    const counts = lines.map((line) => (firstRecord(line, delimiter) ?? []).length);
    const names = firstRecord(lines[0] ?? '', delimiter) ?? [];
    return (
      lines.length > 1 &&
      names.length > 1 &&
      names.every((name) => /^[\p{L}_][\p{L}\p{N}_ -]{0,30}$/u.test(name.trim())) &&
      counts.every((n) => n === names.length)
    );
  });
}

/**
 * Looks at a file. Throws dataset.not_found when there is none, dataset.unreadable for a folder or a compressed file,
 * dataset.empty for a file of nothing but white space.
 */
export async function detectFormat(path: string, shown = path): Promise<Detected> {
  const instead = await insteadOfFile(path);
  if (instead?.startsWith('a folder')) throw await folderError(path);
  if (instead !== null)
    throw new CollieError(
      'dataset.unreadable',
      `${path} is ${instead}.`,
      'Choose one JSONL, JSON, CSV, Parquet or Arrow file.',
      { path },
    );
  let info: Awaited<ReturnType<typeof stat>>;
  try {
    info = await stat(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CollieError('dataset.not_found', `There is no file ${path}.`, 'Check the path.', { path });
  }
  const bytes = Buffer.alloc(Math.min(HEAD_BYTES, info.size));
  const handle = await open(path, 'r');
  try {
    await handle.read(bytes, 0, bytes.length, 0);
  } finally {
    await handle.close();
  }
  const sizeBytes = info.size;
  if (bytes.subarray(0, 4).toString('latin1') === 'PAR1')
    return { format: 'parquet', head: '', markBytes: 0, sizeBytes };
  const arrow = bytes.subarray(0, 6).toString('latin1') === 'ARROW1';
  if (arrow || (bytes.length > 8 && bytes.readUInt32LE(0) === 0xffffffff))
    return { format: 'arrow', head: '', markBytes: 0, sizeBytes };
  const text = bytes.toString('utf8');
  const markBytes = text.startsWith('\uFEFF') ? 3 : 0;
  const head = markBytes > 0 ? text.slice(1) : text;
  if (head.trim() === '' && sizeBytes <= HEAD_BYTES)
    throw new CollieError('dataset.empty', `${shown} is empty.`, 'Choose a file with at least one row.', {
      path: shown,
    });
  const extension = extname(path).toLowerCase();
  if (extension === '.parquet') {
    throw new CollieError(
      'dataset.unreadable',
      `${shown} is no Parquet file: it does not begin with PAR1.`,
      'The file is damaged or has the wrong name.',
      { path: shown },
    );
  }
  return { format: formatOfText(head, extension, sizeBytes <= HEAD_BYTES), head, markBytes, sizeBytes };
}
