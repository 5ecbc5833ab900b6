/** What the page says of the queue. Pure. */
import type { QueueItem, QueueState } from '../../../../electron/shared/runs/queue.ts';
import { formatEta } from '../../components/format.ts';

/** "cpu" as people read it; a lane over hosts says which. */
export const laneName = (lane: string): string => lane.replace(/^cpu/, 'CPU').replace(/^cuda/, 'GPU');

/** When an entry starts, in words. */
export function startText({ state, startsInSeconds }: QueueItem, paused: boolean): string {
  if (state === 'waiting') return paused ? 'Paused' : 'Waiting';
  if (startsInSeconds === null) return 'After those before it';
  return startsInSeconds === 0 ? 'Next' : `In ${formatEta(startsInSeconds)}`;
}

/** The entry before which `id` has to be put so that it comes to `place`; null: the end. */
export function beforeAt(items: readonly QueueItem[], id: string, place: number): string | null {
  const others = items.filter((item) => item.id !== id);
  return others[place]?.id ?? null;
}

/** Entries that a run started now on this lane pushes back. */
export const pushedBack = (queue: QueueState | null, lane: string): number =>
  queue?.items.filter((item) => item.lane === lane && !item.skipped).length ?? 0;
