/** The rungs of successive halving that a run has reached. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Rungs, rungsSchema } from '../../shared/runs/halving.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';

/** None without the file, or with one that cannot be read. */
export function readRungs(runDir: string): Rungs {
  try {
    return rungsSchema.parse(JSON.parse(readFileSync(join(runDir, runFiles.rungs), 'utf8')));
  } catch {
    return [];
  }
}
