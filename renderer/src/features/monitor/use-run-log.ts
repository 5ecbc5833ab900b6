import { useEffect, useRef, useState } from 'react';
import type { ErrorInfo } from '../../../../electron/shared/errors.ts';
import { useClient } from '../../store/context.tsx';
import { asErrorInfo } from '../../store/notices.ts';
import { appendPage, emptyLog, type LogLines } from './log-lines.ts';

export interface RunLog {
  log: LogLines;
  /** false until the present end has been reached once. */
  complete: boolean;
  error: ErrorInfo | null;
}

const POLL_MS = 1000;

/** Reads the log page by page up to its end; while the run lives, goes on behind it. `callback`: that of one by its name. */
export function useRunLog(id: string, live: boolean, callback: string | null = null): RunLog {
  const client = useClient();
  const [state, setState] = useState<RunLog>({ log: emptyLog, complete: false, error: null });
  const isLive = useRef(live);
  const goOn = useRef<(() => void) | null>(null);

  useEffect(() => {
    let ended = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let offset = 0;
    setState({ log: emptyLog, complete: false, error: null });

    async function read(): Promise<void> {
      goOn.current = null;
      // Asked before reading: what a run writes last is read once more after its end.
      const wasLive = isLive.current;
      const next = (wait: number) => {
        if (wasLive) timer = setTimeout(() => void read(), wait);
        else goOn.current = () => void read();
      };
      try {
        const page = await client.call('runs.log', { id, offset, callback });
        if (ended) return;
        const moved = page.nextOffset !== offset;
        // The file was cut: what is shown begins anew.
        const restarted = page.nextOffset < offset;
        offset = page.nextOffset;
        setState((s) => ({
          log: moved ? appendPage(restarted ? emptyLog : s.log, page.text) : s.log,
          complete: s.complete || !moved,
          error: null,
        }));
        if (moved) void read();
        else next(POLL_MS);
      } catch (thrown) {
        if (ended) return;
        setState((s) => ({ ...s, complete: true, error: asErrorInfo(thrown) }));
        next(POLL_MS * 3);
      }
    }
    void read();
    return () => {
      ended = true;
      goOn.current = null;
      clearTimeout(timer);
    };
  }, [client, id, callback]);

  useEffect(() => {
    isLive.current = live;
    // Resumed: the log goes on.
    if (live) goOn.current?.();
  }, [live]);
  return state;
}
