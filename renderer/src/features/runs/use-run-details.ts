import { useEffect } from 'react';
import { useStore } from '../../store/context.tsx';

/** Loads the details (spec, checkpoints) of runs that have none yet, one after another. */
export function useRunDetails(ids: readonly string[]): void {
  const details = useStore((s) => s.runDetails);
  const errors = useStore((s) => s.runDetailErrors);
  const load = useStore((s) => s.loadRun);
  const next = ids.find((id) => !details[id] && !errors[id]);
  useEffect(() => {
    if (next !== undefined) void load(next);
  }, [next, load]);
}
