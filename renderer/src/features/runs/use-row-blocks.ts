/** Which rows of a long table exist: whole blocks of them, those in view and one before and after. */
import { type RefObject, useLayoutEffect, useState } from 'react';
import { flushSync } from 'react-dom';

/** Rows that come and go together: each change lays the table out anew. */
const BLOCK = 6;

/** Where no box is measured (before the first layout), a screen. */
const SCREEN = 800;

export interface RowBlock {
  /** Counted from the end: a row that comes first, as a new run does, leaves all other blocks as they are, with their focus and open menus. */
  key: number;
  /** Rows `from`..`to` (exclusive). */
  from: number;
  to: number;
}

type Range = readonly [from: number, to: number];

/** Always as many blocks, so that one goes in the frame in which another comes. */
function rangeOf(top: number, height: number, blockHeight: number): Range {
  const first = Math.max(0, Math.floor(top / blockHeight) - 1);
  return [first, first + Math.ceil((height || SCREEN) / blockHeight) + 3];
}

/** Blocks to draw, for rows of one height below a head that stays, in a box that scrolls. */
export function useRowBlocks(
  box: RefObject<HTMLElement | null>,
  rows: number,
  rowHeight: number,
): RowBlock[] {
  const blockHeight = BLOCK * rowHeight;
  // What the first block lacks.
  const lead = (BLOCK - (rows % BLOCK)) % BLOCK;
  const [[from, to], setRange] = useState(() => rangeOf(0, 0, blockHeight));
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    let shown: Range | null = null;
    const look = () => {
      const top = element.scrollTop + (lead * blockHeight) / BLOCK;
      const bottom = top + element.clientHeight;
      const next = rangeOf(top, element.clientHeight, blockHeight);
      if (shown?.[0] === next[0] && shown[1] === next[1]) return;
      const gap = shown !== null && (top < shown[0] * blockHeight || bottom > shown[1] * blockHeight);
      shown = next;
      // At leisure, as long as there are rows to be seen; a jump is drawn before the frame is.
      if (gap) flushSync(() => setRange(next));
      else setRange(next);
    };
    look();
    element.addEventListener('scroll', look, { passive: true });
    const sizes = new ResizeObserver(look);
    sizes.observe(element);
    return () => {
      element.removeEventListener('scroll', look);
      sizes.disconnect();
    };
  }, [box, blockHeight, lead]);
  const count = Math.ceil(rows / BLOCK);
  const begin = Math.min(from, Math.max(0, count - (to - from)));
  return Array.from({ length: Math.min(count, to) - begin }, (_, k) => {
    const start = (begin + k) * BLOCK - lead;
    return { key: count - begin - k, from: Math.max(0, start), to: start + BLOCK };
  });
}
