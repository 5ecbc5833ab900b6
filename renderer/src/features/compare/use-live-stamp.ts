import { useEffect, useState } from 'react';
import { useStoreHandle } from '../../store/context.tsx';
import type { Store } from '../../store/store.ts';

/** Milliseconds between looks at runs that go on. */
const LIVE_MS = 3000;

/** A number that goes up when one of these runs has moved on, at most every few seconds. */
export function useLiveStamp(ids: readonly string[]): number {
  const { store } = useStoreHandle();
  const [stamp, setStamp] = useState(0);
  const key = ids.join(',');
  useEffect(() => {
    const wanted = key.split(',');
    const mark = ({ runs }: Store) => wanted.map((id) => `${runs?.[id]?.state} ${runs?.[id]?.step}`).join();
    let before = mark(store.getState());
    let timer: ReturnType<typeof setTimeout> | undefined;
    const end = store.subscribe((state) => {
      if (timer !== undefined) return;
      const now = mark(state);
      if (now === before) return;
      timer = setTimeout(() => {
        timer = undefined;
        before = mark(store.getState());
        setStamp((count) => count + 1);
      }, LIVE_MS);
    });
    return () => {
      end();
      clearTimeout(timer);
    };
  }, [store, key]);
  return stamp;
}
