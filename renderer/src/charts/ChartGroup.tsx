/** Charts that share one cursor and one visible part of x. */
import { createContext, type ReactNode, useContext, useMemo, useState, useSyncExternalStore } from 'react';

/** Position of the cursor on x. Kept outside React's state, so that moving it redraws no line. */
export class Cursor {
  #x: number | null = null;
  readonly #listeners = new Set<() => void>();

  get = (): number | null => this.#x;

  set(x: number | null): void {
    if (x === this.#x) return;
    this.#x = x;
    for (const listener of this.#listeners) listener();
  }

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };
}

export type XWindow = readonly [number, number] | null;

interface Group {
  cursor: Cursor;
  window: XWindow;
  setWindow(window: XWindow): void;
}

const GroupContext = createContext<Group | null>(null);

export function ChartGroup({ children }: { children: ReactNode }) {
  const [cursor] = useState(() => new Cursor());
  const [window, setWindow] = useState<XWindow>(null);
  const group = useMemo(() => ({ cursor, window, setWindow }), [cursor, window]);
  return <GroupContext value={group}>{children}</GroupContext>;
}

export function useChartGroup(): Group {
  const group = useContext(GroupContext);
  if (!group) throw new Error('A chart needs a ChartGroup above it');
  return group;
}

export function useCursor(cursor: Cursor): number | null {
  return useSyncExternalStore(cursor.subscribe, cursor.get);
}
