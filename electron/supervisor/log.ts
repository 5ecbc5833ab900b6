/** What the supervisor says: to its own log (standard output is logs/supervisor.log) and between the lines of the rank's. */
import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { rankLog } from '../shared/runs/run-folder.ts';

export type Log = (message: string) => void;

/** Never throws: a log that cannot be written must not end a run. */
export function openLog(runDir: string): Log {
  const path = join(runDir, rankLog(0));
  return (message) => {
    const line = `${new Date().toISOString()} supervisor: ${message}\n`;
    for (const write of [() => process.stdout.write(line), () => appendFileSync(path, line)]) {
      try {
        write();
      } catch {
        // A full disk: the next line may fit again.
      }
    }
  };
}
