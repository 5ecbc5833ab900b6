/** The start of the process that starts what is queued. */
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { nodeCommand } from '../runs/launch.ts';
import { type ProcessRef, processRef } from '../runs/process.ts';

const LOG_FILE = 'queue.log';

/** Returns at once; it goes on when the caller has ended. `onEnd`: when it ends before that, by itself or not: a crash, or killed. */
export function spawnRunner(home: string, onEnd: (byItself: boolean) => void): ProcessRef | null {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const { command, args, env } = nodeCommand(new URL(`./main.${extension}`, import.meta.url));
  const log = openSync(join(home, LOG_FILE), 'a', 0o600);
  try {
    const child = spawn(command, [...args, home], { detached: true, stdio: ['ignore', log, log], env });
    child.on('error', () => {}); // The queue that does not move tells; the next change tries again.
    child.on('exit', (code) => onEnd(code === 0));
    child.unref();
    return child.pid === undefined ? null : processRef(child.pid);
  } finally {
    closeSync(log);
  }
}
