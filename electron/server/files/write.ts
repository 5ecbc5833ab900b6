/** Writing files so that an error says which: of a file that is open already the system does not tell the path (ENOSPC, EIO, EDQUOT). */
import { appendFileSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';

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

export function writeTextSync(path: string, text: string, options: { mode?: number } = {}): void {
  try {
    writeFileSync(path, text, options);
  } catch (error) {
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
