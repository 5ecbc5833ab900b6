import { useEffect } from 'react';
import type { SweepCard } from '../../../../electron/shared/runs/sweep-record.ts';
import { useStore } from '../../store/context.tsx';

/** All sweeps, read anew when runs have come or gone: another window or a command line may have added some. */
export function useSweeps(): readonly SweepCard[] | null {
  const load = useStore((s) => s.loadSweeps);
  const runs = useStore((s) => s.runs && Object.keys(s.runs).length);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a count that changes asks again
  useEffect(() => void load(), [load, runs]);
  return useStore((s) => s.sweeps);
}
