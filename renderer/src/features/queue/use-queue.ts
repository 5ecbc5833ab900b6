import { useEffect } from 'react';
import type { QueueState } from '../../../../electron/shared/runs/queue.ts';
import { useStore } from '../../store/context.tsx';

/** The queue, current for as long as the component is there; null until it has been read. */
export function useQueue(): QueueState | null {
  const watch = useStore((s) => s.watchQueue);
  useEffect(() => watch(), [watch]);
  return useStore((s) => s.queue);
}
