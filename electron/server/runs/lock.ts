/** A lock that a process holds for as long as it lives: a file with its id, linked into place, so that one of several gets it. */
import { linkSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { processRefSchema, writeJsonAtomic } from './folder.ts';
import { isAlive, type ProcessRef } from './process.ts';

/** False while another living process holds it. Linking fails when the name is taken; the lock of one that died is moved away, which tells what was moved. */
export function takeLock(lock: string, own: ProcessRef): boolean {
  const file = `${lock}.${process.pid}`;
  const stale = `${file}.stale`;
  writeJsonAtomic(file, own);
  try {
    if (linked(file, lock)) return true;
    const holder = lockHolder(lock);
    if (holder && isAlive(holder)) return false;
    renameSync(lock, stale);
    const moved = lockHolder(stale);
    if (moved && isAlive(moved)) {
      linked(stale, lock); // A new one, taken in between: back to it.
      return false;
    }
    return linked(file, lock);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false; // Its holder was quicker.
    throw error;
  } finally {
    for (const path of [file, stale]) rmSync(path, { force: true });
  }
}

/** Who holds a lock; null: nobody, or a file that a crash has torn. */
export function lockHolder(path: string): ProcessRef | null {
  try {
    return processRefSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return null;
  }
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}
