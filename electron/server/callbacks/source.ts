/** The file of a callback: read, named by its content, and made JavaScript without being run. */
import { createHash } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, extname } from 'node:path';
import { CollieError, toErrorInfo } from '../../shared/errors.ts';

const MOST_BYTES = 256 * 1024;
const TYPESCRIPT = ['.ts', '.mts'];
const JAVASCRIPT = ['.js', '.mjs'];

export interface CallbackSource {
  path: string;
  text: string;
  /** Of its bytes: what is trusted, and what a run's record names. */
  sha256: string;
}

/** Throws file.not_found and file.unreadable, callback.invalid for what cannot be one by its name or size. */
export function readCallback(path: string): CallbackSource {
  if (![...TYPESCRIPT, ...JAVASCRIPT].includes(extname(path)))
    throw invalid(
      path,
      'is no TypeScript or JavaScript module by its name',
      'Name a .ts, .mts, .js or .mjs file.',
    );
  const file = statSync(path, { throwIfNoEntry: false });
  if (!file)
    throw new CollieError(
      'file.not_found',
      `There is no callback ${path}.`,
      'Paths start at the folder of the spec file.',
      { path },
    );
  if (!file.isFile()) throw invalid(path, 'is no file', 'Name the file itself.');
  if (file.size > MOST_BYTES)
    throw invalid(path, `has ${file.size} bytes, more than ${MOST_BYTES}`, 'A callback is one small file.');
  const bytes = readFileSync(path);
  return {
    path,
    text: bytes.toString('utf8'),
    sha256: createHash('sha256').update(bytes).digest('hex'),
  };
}

/**
 * JavaScript with every character where it was, so that lines and columns of errors are those of the file. Only reads: nothing of the file runs.
 * Throws callback.invalid with the line.
 */
export function toJavaScript({ path, text }: Pick<CallbackSource, 'path' | 'text'>): string {
  try {
    const { code } = stripper().transformSync(text, { mode: 'strip-only' });
    return TYPESCRIPT.includes(extname(path)) ? code : text;
  } catch (thrown) {
    throw invalid(path, `cannot be read: ${why(thrown)}`, 'Correct the line, or leave the callback out.');
  }
}

/** Node's own type stripping as a package, as Node 20 has none. Loaded when it is needed: four megabytes that most runs never use. */
const stripper = () =>
  createRequire(import.meta.url)('amaro') as {
    transformSync(source: string, options: { mode: 'strip-only' }): { code: string };
  };

function why(thrown: unknown): string {
  const { message, startLine, snippet } = Object(thrown) as Record<string, unknown>;
  if (typeof message !== 'string') return toErrorInfo(thrown).message;
  const at = typeof startLine === 'number' ? `line ${startLine}: ` : '';
  const shown = typeof snippet === 'string' ? ` (${snippet.split('\n')[0]?.trim()})` : '';
  return `${at}${message}${shown}`;
}

/** `what`: behind the file's name. */
export const invalid = (path: string, what: string, hint: string): CollieError =>
  new CollieError('callback.invalid', `The callback ${basename(path)} ${what}.`, hint, { path });
