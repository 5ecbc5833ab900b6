/** Writing files so that an error says which: of a file that is open already the system does not tell the path (ENOSPC, EIO, EDQUOT). */
import { randomBytes } from 'node:crypto';
import { appendFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { rename, rm, writeFile } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';

/** The error with the path of the file that was being written. */
export function ofFile(error: unknown, path: string): unknown {
  return error instanceof Error ? Object.assign(error, { path }) : error;
}

export async function writeText(
  path: string,
  text: string,
  options: { flush?: boolean } = {},
): Promise<void> {
  try {
    await writeFile(path, text, options);
  } catch (error) {
    throw ofFile(error, path);
  }
}

export function writeTextSync(
  path: string,
  text: string,
  options: { mode?: number; flush?: boolean } = {},
): void {
  try {
    writeFileSync(path, text, options);
  } catch (error) {
    throw ofFile(error, path);
  }
}

/** Named so that `removeTemporaryFiles` knows whose it is. */
const temporaryName = (path: string, middle = ''): string =>
  join(dirname(path), `.${basename(path)}.${middle}${process.pid}.tmp`);

/** Under another name first, then renamed: readers see the old or the new text, never a part, also after a power cut. `pieces`: of a text that is long. */
export async function replaceText(path: string, text: string | Iterable<string | Uint8Array>): Promise<void> {
  // Two of them may be on their way to the same path.
  const temporary = temporaryName(path, `${randomBytes(4).toString('hex')}.`);
  try {
    await writeFile(temporary, text, { flush: true });
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw ofFile(error, path);
  }
}

export function replaceTextSync(path: string, text: string, options: { mode?: number } = {}): void {
  const temporary = temporaryName(path);
  try {
    writeTextSync(temporary, text, { ...options, flush: true });
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw ofFile(error, path);
  }
}

export function appendTextSync(path: string, text: string): void {
  try {
    appendFileSync(path, text);
  } catch (error) {
    throw ofFile(error, path);
  }
}
