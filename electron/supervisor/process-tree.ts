/**
 * Ends a process with all that it has started. mpirun puts every rank into a group of its own, so signals to a group do not reach them,
 * and a killed mpirun leaves them behind: the tree is written down first, then all of it is ended.
 */
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { isAlive, type ProcessRef, processRef } from '../server/runs/process.ts';

/** A process and all below it, as they are now. */
export function processTree(root: number): ProcessRef[] {
  const parents = parentIds();
  const found = [root];
  for (let next = 0; next < found.length; next += 1) {
    for (const [pid, parent] of parents) if (parent === found[next] && !found.includes(pid)) found.push(pid);
  }
  return found.map(processRef);
}

/** SIGKILL for those that still are the processes that were written down. */
export function killAll(processes: readonly ProcessRef[]): void {
  for (const one of processes) {
    if (!isAlive(one)) continue;
    try {
      process.kill(one.pid, 'SIGKILL');
    } catch {
      // Ended in between.
    }
  }
}

function parentIds(): Map<number, number> {
  return process.platform === 'linux' ? fromProc() : fromPs();
}

function fromProc(): Map<number, number> {
  const parents = new Map<number, number>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'utf8');
      // "pid (name) state parent ...": the name may hold spaces and brackets.
      parents.set(Number(name), Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]));
    } catch {
      // Ended in between.
    }
  }
  return parents;
}

function fromPs(): Map<number, number> {
  const lines = execFileSync('ps', ['-A', '-o', 'pid=,ppid='], { encoding: 'utf8' }).trim().split('\n');
  return new Map(lines.map((line) => line.trim().split(/\s+/).map(Number) as [number, number]));
}
