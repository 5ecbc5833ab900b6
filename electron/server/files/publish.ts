/**
 * Folders that appear whole or not at all, under a name that nobody else has taken: built under a name of their own beside the place, then
 * renamed. Two that want one name cannot both get it, and nothing that others wrote is ever replaced.
 */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';

/** What is being built is called `.<name>.partial-XXXXXX`. */
const PARTIAL = '.partial-';
/** What was not touched for so long is no longer being built. */
const ABANDONED_MS = 24 * 60 * 60_000;

/** A new folder beside `destination`, for what is to become it. */
export function buildBeside(destination: string): string {
  mkdirSync(dirname(destination), { recursive: true });
  sweepPartial(dirname(destination));
  return ownFolder(join(dirname(destination), `.${basename(destination)}${PARTIAL}`));
}

/** A new folder whose name begins so, which nobody else has, with the mode of any other new folder. */
export function ownFolder(prefix: string): string {
  const folder = mkdtempSync(prefix);
  chmodSync(folder, 0o777 & ~process.umask());
  return folder;
}

/**
 * Gives a folder its final name. False when something is there already; only an empty folder is replaced, by the kernel and in one step
 * (rename(2): ENOTEMPTY for any other), so that nothing can be written into it in between.
 */
export function renameUnlessTaken(folder: string, destination: string): boolean {
  try {
    renameSync(folder, destination);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOTEMPTY' || code === 'EEXIST' || code === 'ENOTDIR') return false;
    throw error;
  }
}

/** Whether nobody has touched a folder for a day. */
export function isOld(path: string): boolean {
  const info = statSync(path, { throwIfNoEntry: false });
  return info !== undefined && Date.now() - info.mtimeMs > ABANDONED_MS;
}

/** Removes what was being built in `folder` when its host ended, a day ago or more. */
function sweepPartial(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      const path = join(folder, name);
      if (name.startsWith('.') && name.includes(PARTIAL) && isOld(path))
        rmSync(path, { recursive: true, force: true });
    }
  } catch {
    // No such folder, or no right to look: then there is nothing of ours.
  }
}
