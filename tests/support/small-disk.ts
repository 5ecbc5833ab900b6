import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';

/** A disk of its own of this size ("700k"), to be unmounted by the test; null with the reason told where mounting is not allowed. */
export function smallDisk(folder: string, size: string): string | null {
  mkdirSync(folder, { recursive: true });
  const mount = ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', folder];
  const mounted = spawnSync('mount', mount, { encoding: 'utf8' });
  if (mounted.status === 0) return folder;
  console.warn(`The full-disk test is skipped: no tmpfs can be mounted here (${mounted.stderr?.trim()}).`);
  return null;
}
