/** A run that the queue itself has stopped goes back in line. */
import { join } from 'node:path';
import type { RunStatus } from '../../shared/runs/events.ts';
import type { QueueEntry } from '../../shared/runs/queue.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import { writeJsonAtomic } from '../runs/folder.ts';
import { QUEUED } from '../runs/rebuild.ts';
import { readEntry, writeEntry } from './store.ts';

/**
 * The entry is written first and the state last, both from what the run's own files say: cut off in between, it is done again. Taken out of
 * line by hand, it is a run that was stopped, and stays that. False without an entry.
 */
export function putBack(
  dir: string,
  status: RunStatus,
  change: Pick<QueueEntry, 'order'> & Partial<Pick<QueueEntry, 'pauseAt'>>,
): boolean {
  const entry = readEntry(dir);
  if (!entry) return false;
  const before = { state: 'stopped', phase: 'Stopped' } as const;
  writeEntry(dir, { ...entry, ...change, mode: 'resume', before, data: {}, pastBudget: false });
  const updatedAt = new Date().toISOString();
  writeJsonAtomic(join(dir, runFiles.status), { ...status, state: 'queued', phase: QUEUED, updatedAt });
  return true;
}
