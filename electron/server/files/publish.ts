/**
 * Folders that appear whole or not at all, under a name that nobody else has taken: built under a name of their own beside the place, then
 * renamed. Two that want one name cannot both get it, and nothing that others wrote is ever replaced.
 */
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { ownerEnded, ownName } from './leftovers.ts';

/** What is being built is called `.<name>.partial-<owner>-XXXXXX`. */
const PARTIAL = '.partial-';
/** A new folder beside `destination`, for what is to become it. */
export function buildBeside(destination: string): string {
  mkdirSync(dirname(destination), { recursive: true });
  sweepPartial(dirname(destination));
  return ownFolder(join(dirname(destination), `.${basename(destination)}${ownName(PARTIAL)}`));
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

/** Removes what was being built in `folder`, anybody's, by a process of ours that has ended. */
function sweepPartial(folder: string): void {
  try {
    for (const name of readdirSync(folder)) {
      const at = name.startsWith('.') ? name.lastIndexOf(PARTIAL) : -1;
      if (at > 0 && ownerEnded(name.slice(at + PARTIAL.length)) === true)
        rmSync(join(folder, name), { recursive: true, force: true });
    }
  } catch {
    // No such folder, or no right to look: then there is nothing of ours.
  }
}
