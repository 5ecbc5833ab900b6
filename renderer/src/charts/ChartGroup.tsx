/** Charts that share one cursor and one visible part of x. */
import {
  createContext,
  type ReactNode,
  type RefObject,
  startTransition,
  useContext,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import { useNear, whileNear } from './near.ts';

/** A page that is never idle draws what is out of view after so long all the same. */
const LATEST_MS = 2000;
/** So long the cursor must stand still to rest, in milliseconds. */
const REST_MS = 80;

/** How often something follows the cursor: as often as it moves, or when it rests. */
export type CursorPace = 'move' | 'rest';

/** Position of the cursor on x. Kept outside React's state, so that moving it redraws no line. */
export class Cursor {
  #x: number | null = null;
  readonly #listeners = { move: new Set<() => void>(), rest: new Set<() => void>() };
  #rest: ReturnType<typeof setTimeout> | undefined;

  get = (): number | null => this.#x;

  set(x: number | null): void {
    if (x === this.#x) return;
    this.#x = x;
    for (const listener of this.#listeners.move) listener();
    clearTimeout(this.#rest);
    this.#rest = setTimeout(() => {
      for (const listener of this.#listeners.rest) listener();
    }, REST_MS);
  }

  subscribe = (listener: () => void, pace: CursorPace = 'move'): (() => void) => {
    this.#listeners[pace].add(listener);
    return () => this.#listeners[pace].delete(listener);
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
  // All charts follow, one after another: the page goes on drawing in between.
  const group = useMemo(
    () => ({ cursor, window, setWindow: (to: XWindow) => startTransition(() => setWindow(to)) }),
    [cursor, window],
  );
  return <GroupContext value={group}>{children}</GroupContext>;
}

export function useChartGroup(): Group {
  const group = useContext(GroupContext);
  if (!group) throw new Error('A chart needs a ChartGroup above it');
  return group;
}

/**
 * A chart's place on the page. Far out of view there is only its height; once seen, it stays, but while it is out of view again it keeps the
 * part of x that it had: a page of charts costs what can be seen of it. `later`: what is out of view is there too, once the page has nothing else
 * to do: for searches in the page, and for who goes from heading to heading.
 */
export function ChartPlace({
  name,
  height,
  later = false,
  children,
}: {
  name: string;
  height: number;
  later?: boolean;
  children: ReactNode;
}) {
  const group = useChartGroup();
  const box = useRef<HTMLDivElement>(null);
  const near = useNear(box);
  const [seen, setSeen] = useState(near);
  const [shown, setShown] = useState(group);
  if (near && !seen) setSeen(true);
  if (near && shown !== group) setShown(group);
  useEffect(() => {
    if (!later || seen) return;
    const handle = requestIdleCallback(() => setSeen(true), { timeout: LATEST_MS });
    return () => cancelIdleCallback(handle);
  }, [later, seen]);
  return (
    <div ref={box} data-place={name} style={{ minHeight: height, minWidth: 0 }}>
      {seen && <GroupContext value={shown}>{children}</GroupContext>}
    </div>
  );
}

export function useCursor(cursor: Cursor): number | null {
  return useSyncExternalStore(cursor.subscribe, cursor.get);
}

/**
 * Draws what follows the cursor straight into the page, without React: after every render, and at `pace` while `box` is in view. Ten charts
 * that all render at every move are too much for 60 frames a second, and so is text that changes in all of them.
 */
export function useCursorDrawing(
  box: RefObject<HTMLElement | null>,
  cursor: Cursor,
  pace: CursorPace,
  draw: (x: number | null) => void,
): void {
  const newest = useRef(draw);
  useLayoutEffect(() => {
    newest.current = draw;
    draw(cursor.get());
  });
  useLayoutEffect(() => {
    const redraw = () => newest.current(cursor.get());
    return whileNear(box.current, () => {
      redraw(); // it may have moved since
      return cursor.subscribe(redraw, pace);
    });
  }, [box, cursor, pace]);
}
