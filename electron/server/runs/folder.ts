/** Reading and writing the files of a run folder. Used by the supervisor that owns the run and by every host. */
import {
  closeSync,
  existsSync,
  ftruncateSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { CollieError } from '../../shared/errors.ts';
import { type Evaluates, evaluatesSchema } from '../../shared/runs/evaluates.ts';
import { type RunStatus, runStatusSchema, type Sample, sampleSchema } from '../../shared/runs/events.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import { migrateSpec } from '../../shared/spec/migrate.ts';
import { type RunSpec, runSpecSchema } from '../../shared/spec/run-spec.ts';
import { replaceTextSync } from '../files/write.ts';

export const processRefSchema = z.object({ pid: z.number().int(), start: z.string().nullable() });
const supervisorFileSchema = z.object({
  v: z.literal(1),
  supervisor: processRefSchema,
  socket: z.string(),
  /** The training process, once it has been started. */
  rank: processRefSchema.nullable(),
});
export type SupervisorFile = z.infer<typeof supervisorFileSchema>;

/** Writes JSON under a temporary name, then renames: readers see the old or the new text, never a part. */
export function writeJsonAtomic(path: string, value: unknown): void {
  replaceTextSync(path, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600 });
}

/** Overwrites a file in place. A full disk still takes it, as no new blocks are needed; not atomic, so a last resort. */
export function writeJsonInPlace(path: string, value: unknown): void {
  const bytes = Buffer.from(`${JSON.stringify(value)}\n`);
  const file = openSync(path, 'r+');
  try {
    writeSync(file, bytes, 0, bytes.length, 0);
    ftruncateSync(file, bytes.length);
  } finally {
    closeSync(file);
  }
}

/** The status file as it is. Throws run.not_found without one, internal when it is broken. */
export function readStatus(runDir: string): RunStatus {
  return readChecked(runDir, runFiles.status, runStatusSchema);
}

/** In the words of the newest version, whatever version the run was started with. */
export function readSpec(runDir: string): RunSpec {
  return readChecked(runDir, runFiles.spec, runSpecSchema);
}

/** What reading the spec of an older version changes, in sentences for the log. */
export function specNotes(runDir: string): string[] {
  return migrateSpec(readChecked(runDir, runFiles.spec, z.unknown())).notes;
}

/** What a run evaluates that trains nothing; null: it trains. Throws file.unreadable for a file that says neither. */
export function readEvaluates(runDir: string): Evaluates | null {
  if (!existsSync(join(runDir, runFiles.evaluates))) return null;
  return readChecked(runDir, runFiles.evaluates, evaluatesSchema);
}

/** Null when no supervisor has left its mark, or when its file is torn by a crash. */
export function readSupervisorFile(runDir: string): SupervisorFile | null {
  try {
    return supervisorFileSchema.parse(JSON.parse(readFileSync(join(runDir, runFiles.socket), 'utf8')));
  } catch {
    return null;
  }
}

function readChecked<T>(runDir: string, file: string, schema: z.ZodType<T>): T {
  const path = join(runDir, file);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
    throw new CollieError('run.not_found', `The run folder ${runDir} has no ${file}.`, '', { path });
  }
  try {
    return schema.parse(JSON.parse(text));
  } catch (error) {
    const why = error instanceof z.ZodError ? z.prettifyError(error) : String(error);
    throw new CollieError('file.unreadable', `${path} cannot be read: ${why}`, 'Restore it from a backup.', {
      path,
    });
  }
}

/** Bytes of the files right inside a folder; files that vanish meanwhile count nothing. */
export function folderBytes(folder: string): number {
  let bytes = 0;
  for (const name of readdirSync(folder))
    bytes += statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0;
  return bytes;
}

/** Decoded samples; lines torn by a crash are skipped. */
export function readSamples(runDir: string): Sample[] {
  const path = join(runDir, runFiles.samples);
  if (!existsSync(path)) return [];
  const samples: Sample[] = [];
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (line === '') continue;
    try {
      samples.push(sampleSchema.parse(JSON.parse(line)));
    } catch {
      // Torn: the supervisor writes the file anew when it next starts.
    }
  }
  return samples;
}

/** Bytes `from`..`to` of a file, fewer when it is shorter. */
export function readRange(path: string, from: number, to: number): Buffer {
  const buffer = Buffer.alloc(Math.max(0, to - from));
  const file = openSync(path, 'r');
  try {
    return buffer.subarray(0, readSync(file, buffer, 0, buffer.length, from));
  } finally {
    closeSync(file);
  }
}
