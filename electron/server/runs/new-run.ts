/** The files of a run that has not begun. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Evaluates } from '../../shared/runs/evaluates.ts';
import type { QueueEntry } from '../../shared/runs/queue.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { recordCallbacks } from '../callbacks/record.ts';
import { writeJsonAtomic } from './folder.ts';
import { newStatus, QUEUED } from './rebuild.ts';

/** What makes a run another kind than a training that begins at once. */
export interface RunKind {
  /** It waits in the queue. */
  entry?: QueueEntry | null;
  /** It trains nothing. */
  evaluates?: Evaluates | null;
}

/** Everything but the status, whose id is known last. `spec` is resolved; it is never written again. */
export function writeNewRun(folder: string, spec: RunSpec, { entry, evaluates }: RunKind): void {
  const { eventsDir, logsDir, checkpointsDir, samplesDir } = runFiles;
  for (const part of [eventsDir, logsDir, checkpointsDir, samplesDir])
    mkdirSync(join(folder, part), { recursive: true });
  writeJsonAtomic(join(folder, runFiles.spec), spec);
  if (!evaluates) recordCallbacks(folder, spec.callbacks);
  if (entry) writeJsonAtomic(join(folder, runFiles.queueEntry), entry);
  if (evaluates) writeJsonAtomic(join(folder, runFiles.evaluates), evaluates);
}

export function writeNewStatus(folder: string, id: string, spec: RunSpec, entry: QueueEntry | null): void {
  const stands = entry ? ({ state: 'queued', phase: QUEUED } as const) : {};
  writeJsonAtomic(join(folder, runFiles.status), { ...newStatus(id, spec.name || id), ...stands });
}

/** Date, time and name: sorts by time, is readable. */
export function stampedName(name: string): string {
  const now = new Date().toISOString();
  const stamp = `${now.slice(0, 10).replaceAll('-', '')}-${now.slice(11, 19).replaceAll(':', '')}`;
  return [stamp, slug(name)].filter(Boolean).join('-');
}

function slug(name: string): string {
  const plain = name.normalize('NFKD').replace(/[\u0300-\u036f]/g, '');
  return plain
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 48)
    .replace(/^-+|-+$/g, '');
}
