import { useEffect } from 'react';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import type { RunSeries } from '../../../../electron/shared/runs/series.ts';
import { useStore } from '../../store/context.tsx';
import type { RunDetail } from '../../store/runs.ts';
import { useRunSeries } from './use-run-series.ts';

export interface WatchedRun {
  status: RunStatus | undefined;
  detail: RunDetail | undefined;
  detailError: ErrorInfo | undefined;
  series: RunSeries;
  streamError: ErrorInfo | undefined;
  reload(): void;
}

/** Everything about one run, live. The same for a run that goes on and one that ended long ago. */
export function useRun(id: string): WatchedRun {
  const known = useStore((s) => s.runs?.[id]);
  const detail = useStore((s) => s.runDetails[id]);
  const detailError = useStore((s) => s.runDetailErrors[id]);
  const streamError = useStore((s) => s.runStreamErrors[id]);
  const watchRun = useStore((s) => s.watchRun);
  const loadRun = useStore((s) => s.loadRun);
  const series = useRunSeries(id);
  const status = known ?? detail?.status;

  useEffect(() => watchRun(id), [id, watchRun]);
  // Checkpoints, samples and environment come with the details: read anew when there may be new ones.
  const { checkpoints, samples, attempts } = series;
  const news = [status?.state, status?.checkpoint, checkpoints.length, samples.length, attempts.length].join(
    ' ',
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: `news` is the reason to load again
  useEffect(() => {
    void loadRun(id);
  }, [id, loadRun, news]);

  return { status, detail, detailError, series, streamError, reload: () => void loadRun(id) };
}
