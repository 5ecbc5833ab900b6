/** Callbacks in a run folder: copies of the files as they were when the run was made. The copies run, on every attempt, whatever became of the originals. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import {
  callbackNames,
  callbacksDir,
  callbacksRecordSchema,
  type RecordedCallback,
} from '../../shared/runs/callbacks.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import { writeJsonAtomic } from '../runs/folder.ts';
import { readCallback } from './source.ts';
import { notTrusted, TrustedCallbacks } from './trust.ts';

/** Throws as `readCallback`. */
export function recordCallbacks(runDir: string, paths: readonly string[]): void {
  if (paths.length === 0) return;
  mkdirSync(join(runDir, callbacksDir), { recursive: true });
  const names = callbackNames(paths);
  const callbacks = paths.map((path, k): RecordedCallback => {
    const { text, sha256 } = readCallback(path);
    const name = names[k] as string;
    const file = `${callbacksDir}/${name}${extname(path)}`;
    writeFileSync(join(runDir, file), text);
    return { name, path, file, sha256 };
  });
  writeJsonAtomic(join(runDir, runFiles.callbacks), { v: 1, callbacks });
}

/** Empty for a run without callbacks. Throws for a record that cannot be read: a run must not quietly go without. */
export function recordedCallbacks(runDir: string): RecordedCallback[] {
  const path = join(runDir, runFiles.callbacks);
  if (!existsSync(path)) return [];
  try {
    return callbacksRecordSchema.parse(JSON.parse(readFileSync(path, 'utf8'))).callbacks;
  } catch {
    const hint = 'Copy the run folder again, or duplicate the run.';
    throw new CollieError('file.unreadable', `${path} is no record of callbacks.`, hint, { path });
  }
}

/** With the code as it is in the folder now: what would run, and under what it has to be trusted. */
export const readRecorded = (runDir: string) =>
  recordedCallbacks(runDir).map((recorded) => ({
    ...recorded,
    ...readCallback(join(runDir, recorded.file)),
  }));

/**
 * Those of a run, which may be started. Throws callback.not_trusted for a run whose callbacks this library does not know as they are: of a folder that was copied here,
 * say.
 */
export function trustedCallbacks(runDir: string, home: string): ReturnType<typeof readRecorded> {
  const trusted = new TrustedCallbacks(home);
  const recorded = readRecorded(runDir);
  const foreign = recorded.filter((one) => !trusted.has(one));
  if (foreign.length > 0) throw notTrusted(foreign.map(({ path, sha256 }) => ({ path, sha256 })));
  return recorded;
}
