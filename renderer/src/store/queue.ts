/** The queue: kept current while a page shows it, and every change that can be made to it. */
import type { Method, MethodParams } from '../../../electron/shared/api/api.ts';
import type { ErrorInfo } from '../../../electron/shared/errors.ts';
import type { QueueState } from '../../../electron/shared/runs/queue.ts';
import type { SliceContext } from './types.ts';

type Change = Extract<Method, `queue.${'retry' | 'move' | 'change' | 'set' | 'remove' | 'startNow'}`>;

export interface QueueSlice {
  /** null until a page has watched it. */
  queue: QueueState | null;
  queueError: ErrorInfo | null;
  /** Keeps `queue` current until the returned function is called. */
  watchQueue(): () => void;
  /** false: the user has been told why not. */
  changeQueue<M extends Change>(method: M, params: MethodParams<M>, failure: string): Promise<boolean>;
  /** Puts a new run in line. Returns its id. Throws CollieError; `spec.invalid` carries the issues. */
  queueRun(spec: unknown): Promise<string>;
}

export function queueSlice({ client, get, set }: SliceContext): QueueSlice {
  let watching = 0;
  let end = () => {};
  return {
    queue: null,
    queueError: null,
    watchQueue() {
      watching += 1;
      if (watching === 1)
        end = client.subscribe(
          'queue',
          {},
          (queue) => set({ queue, queueError: null }),
          (queueError) => queueError && set({ queueError }),
        );
      let ended = false;
      return () => {
        if (ended) return;
        ended = true;
        watching -= 1;
        if (watching === 0) end();
      };
    },
    async changeQueue(method, params, failure) {
      try {
        await client.call(method, params);
        set({ queue: await client.call('queue.get', {}) });
        return true;
      } catch (thrown) {
        get().report(failure, thrown);
        return false;
      }
    },
    async queueRun(spec) {
      return (await client.call('queue.add', { spec })).id;
    },
  };
}
