import { type RefObject, type UIEvent, useEffect, useRef, useState } from 'react';

const SLACK = 48;

/** Keeps a scrolling box at its end while `content` grows, until the user scrolls up; at the end again, it sticks again. */
export function useStickToEnd(content: unknown): {
  box: RefObject<HTMLDivElement | null>;
  stuck: boolean;
  onScroll: (event: UIEvent<HTMLDivElement>) => void;
  toEnd: () => void;
} {
  const box = useRef<HTMLDivElement>(null);
  const [stuck, setStuck] = useState(true);
  const toEnd = () => {
    setStuck(true);
    if (box.current) box.current.scrollTop = box.current.scrollHeight;
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: the content is the reason to scroll
  useEffect(() => {
    if (stuck && box.current) box.current.scrollTop = box.current.scrollHeight;
  }, [content, stuck]);
  return {
    box,
    stuck,
    onScroll: ({ currentTarget: { scrollTop, clientHeight, scrollHeight } }) =>
      setStuck(scrollTop + clientHeight >= scrollHeight - SLACK),
    toEnd,
  };
}
