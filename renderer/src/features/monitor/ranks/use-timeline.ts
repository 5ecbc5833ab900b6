import { useEffect, useState } from 'react';
import type { ErrorInfo } from '../../../../../electron/shared/errors.ts';
import type { RunTimeline } from '../../../../../electron/shared/events.ts';
import { useClient } from '../../../store/context.tsx';
import { asErrorInfo } from '../../../store/notices.ts';

interface Read {
  timeline: RunTimeline | null;
  error: ErrorInfo | null;
  /** Something has been answered. */
  known: boolean;
}

/** The timeline of a step; null: the newest, read again whenever the run has got further (`at`). */
export function useTimeline(id: string, step: number | null, at: number): Read {
  const client = useClient();
  const [read, setRead] = useState<Read>({ timeline: null, error: null, known: false });
  // biome-ignore lint/correctness/useExhaustiveDependencies: `at` is the reason to read again
  useEffect(() => {
    let ended = false;
    client.call('runs.timeline', { id, step }).then(
      (timeline) => {
        // Between attempts there may be none of the step for a moment: what is shown stays.
        if (!ended) setRead((old) => ({ timeline: timeline ?? old.timeline, error: null, known: true }));
      },
      (thrown) => {
        if (!ended) setRead((old) => ({ ...old, error: asErrorInfo(thrown), known: true }));
      },
    );
    return () => {
      ended = true;
    };
  }, [client, id, step, at]);
  return read;
}
