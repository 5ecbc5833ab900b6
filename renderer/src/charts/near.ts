/** What is in view, or will be after a little scrolling. */
import { type RefObject, useLayoutEffect, useState } from 'react';

/** Pixels of scrolling ahead. */
const AHEAD = 200;

type End = () => void;

/** `begin` whenever the element comes near, what it returned when it goes away; once and for all where that cannot be observed. */
export function whileNear(element: Element | null, begin: () => End): End {
  if (element === null || typeof IntersectionObserver === 'undefined') return begin();
  let end: End | null = null;
  const observer = new IntersectionObserver(
    (entries) => {
      const near = entries.at(-1)?.isIntersecting ?? false;
      if (near) end ??= begin();
      else {
        end?.();
        end = null;
      }
    },
    { rootMargin: `${AHEAD}px 0px` },
  );
  observer.observe(element);
  return () => {
    observer.disconnect();
    end?.();
  };
}

export function useNear(box: RefObject<Element | null>): boolean {
  const [near, setNear] = useState(typeof IntersectionObserver === 'undefined');
  useLayoutEffect(
    () =>
      whileNear(box.current, () => {
        setNear(true);
        return () => setNear(false);
      }),
    [box],
  );
  return near;
}
