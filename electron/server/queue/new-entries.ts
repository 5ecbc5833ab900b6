/** Entries of runs that are put at the end of the line. */
import { inOrder, type Queued, type QueueEntry } from '../../shared/runs/queue.ts';
import { earlyRules } from './halving.ts';
import { dataHashes } from './store.ts';
import type { CheckedRun } from './sweep.ts';
import type { NewRun } from './sweep-store.ts';

export type EntryFacts = Pick<QueueEntry, 'mode' | 'after' | 'data' | 'forecast' | 'before'>;

/** Behind all that are in line. */
export function newEntry(queued: readonly Queued[], facts: EntryFacts): QueueEntry {
  return {
    ...{ v: 1, queuedAt: new Date().toISOString(), order: endOf(queued), skipped: false, recovered: 0 },
    ...{ sweep: null, pauseAt: null, plateau: null, pastBudget: false },
    ...facts,
  };
}

const endOf = (queued: readonly Queued[]) => (inOrder(queued).at(-1)?.entry.order ?? -1) + 1;

/** Those of a sweep, one after another. */
export async function newRuns(
  runs: readonly CheckedRun[],
  definition: unknown,
  queued: readonly Queued[],
): Promise<NewRun[]> {
  const made: NewRun[] = [];
  const rules = earlyRules(definition);
  const first = endOf(queued);
  for (const { spec, forecast, values, seed } of runs) {
    const data = await dataHashes(spec);
    const entry = newEntry([], { mode: 'start', after: null, data, forecast, before: null });
    made.push({ spec, entry: { ...entry, ...rules, order: first + made.length }, values, seed });
  }
  return made;
}
