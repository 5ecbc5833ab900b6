import { useEffect, useRef, useState } from 'react';
import type { ErrorInfo } from '../../../../../electron/shared/errors.ts';
import type { RunTimeline } from '../../../../../electron/shared/runs/events.ts';
import { useClient } from '../../../store/context.tsx';
import { asErrorInfo } from '../../../store/notices.ts';

interface Read {
  timeline: RunTimeline | null;
  error: ErrorInfo | null;
  /** Something has been answered. */
  known: boolean;
}

/**
 * The timeline of a step; null: the newest, read again whenever the run has got further (`at`). One question at a time: on a busy
 * machine steps may come faster than answers, and each answer is shown.
 */
export function useTimeline(id: string, step: number | null, at: number): Read {
  const client = useClient();
  const [read, setRead] = useState<Read>({ timeline: null, error: null, known: false });
  const askAgain = useRef(() => {});
  const lastAt = useRef(at);
  useEffect(() => {
    let ended = false;
    let [asking, outdated] = [false, false];
    const ask = async () => {
      asking = true;
      do {
        outdated = false;
        const change = await client.call('runs.timeline', { id, step }).then(
          // Between attempts there may be none of the step for a moment: what is shown stays.
          (timeline) => (old: Read) => ({ timeline: timeline ?? old.timeline, error: null, known: true }),
          (thrown) => (old: Read) => ({ ...old, error: asErrorInfo(thrown), known: true }),
        );
        if (ended) return;
        setRead(change);
      } while (outdated);
      asking = false;
    };
    askAgain.current = () => {
      if (asking) outdated = true;
      else void ask();
    };
    askAgain.current();
    return () => {
      ended = true;
    };
  }, [client, id, step]);
  useEffect(() => {
    const further = at !== lastAt.current;
    lastAt.current = at;
    if (further && step === null) askAgain.current();
  }, [at, step]);
  return read;
}
