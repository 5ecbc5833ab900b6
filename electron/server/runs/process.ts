/** Processes that outlive us: is the one we wrote down still the same one? Process ids are used again. */
import { readFileSync } from 'node:fs';

export interface ProcessRef {
  pid: number;
  /** Start time in clock ticks since boot, where the system tells (Linux); null elsewhere. */
  start: string | null;
}

export function processRef(pid: number): ProcessRef {
  return { pid, start: startTime(pid) };
}

/** True while the process runs (a zombie does not) and is the one that was written down. */
export function isAlive(ref: ProcessRef): boolean {
  try {
    process.kill(ref.pid, 0);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return false;
  }
  if (process.platform !== 'linux') return true;
  const start = startTime(ref.pid);
  // Without a start time it had ended before it was written down; who has its id now is another.
  return start !== null && start === ref.start;
}

/** Field 22 of /proc/<pid>/stat. The second field may hold spaces, so counting starts after its closing bracket. */
function startTime(pid: number): string | null {
  if (process.platform !== 'linux') return null;
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return fields[0] === 'Z' ? null : (fields[19] ?? null);
  } catch {
    return null;
  }
}
