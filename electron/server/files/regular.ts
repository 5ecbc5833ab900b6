/**
 * What stands at a path: only regular files are read. Opening a pipe waits for whoever writes to it, for ever where nobody does, and four such
 * waits are all the threads that Node has for files; a device has no end.
 */
import type { Stats } from 'node:fs';
import { lstat, stat } from 'node:fs/promises';

/** "a folder, not a file", "a pipe (FIFO), not a file", ...; null: a regular file. */
function otherKind(info: Stats): string | null {
  if (info.isFile()) return null;
  const kind = info.isDirectory()
    ? 'a folder'
    : info.isFIFO()
      ? 'a pipe (FIFO)'
      : info.isSocket()
        ? 'a socket'
        : 'a device';
  return `${kind}, not a file`;
}

/** Whether a regular file is there, through links. */
export const isRegular = async (path: string): Promise<boolean> =>
  (await stat(path).catch(() => null))?.isFile() ?? false;

/** What else is there, to follow "x is"; null: a regular file, or nothing, or nothing that may be looked at. */
export async function insteadOfFile(path: string): Promise<string | null> {
  const info = await stat(path).catch((error: NodeJS.ErrnoException) => error.code);
  if (typeof info === 'object') return otherKind(info);
  const dangling = info === 'ENOENT' && (await lstat(path).catch(() => null))?.isSymbolicLink();
  return dangling ? 'a link to something that is not there' : null;
}
