/** The parts of the form, always in view: which one is on screen, which still needs something, and how much of the form is shown. */
import { SegmentedControl, VisuallyHidden } from '@mantine/core';
import { useEffect, useState } from 'react';
import { useStore } from '../../store/context.tsx';
import classes from './FormIndex.module.css';
import type { FormView } from './form-view.ts';
import { partId, partOf, parts } from './sections.ts';

/** A part counts as on screen once its top is above this height, pixels. */
const LINE = 140;

/** The last part whose top has passed the line. */
function usePartOnScreen(): string {
  const [current, setCurrent] = useState(parts[0]?.id ?? '');
  useEffect(() => {
    let asked = 0;
    const look = () => {
      asked = 0;
      const passed = parts.filter(({ id }) => {
        const top = document.getElementById(partId(id))?.getBoundingClientRect().top;
        return top !== undefined && top < LINE;
      });
      const atEnd = window.innerHeight + window.scrollY >= document.documentElement.scrollHeight - 4;
      const scrolled = window.scrollY > 0;
      setCurrent((atEnd && scrolled ? parts.at(-1) : passed.at(-1))?.id ?? parts[0]?.id ?? '');
    };
    const onScroll = () => {
      asked ||= requestAnimationFrame(look);
    };
    window.addEventListener('scroll', onScroll, { passive: true });
    return () => {
      window.removeEventListener('scroll', onScroll);
      cancelAnimationFrame(asked);
    };
  }, []);
  return current;
}

interface Props {
  readonly view: FormView;
  readonly onView: (view: FormView) => void;
}

export function FormIndex({ view, onView }: Props) {
  const current = usePartOnScreen();
  const issues = useStore((s) => s.issues);
  const open = (id: string) => issues.filter((issue) => partOf(issue.path)?.id === id).length;
  return (
    <div className={classes.bar}>
      <nav aria-label="Parts of the form">
        <ul className={classes.list}>
          {parts.map(({ id, title }) => (
            <li key={id}>
              <button
                type="button"
                className={classes.link}
                aria-current={id === current ? 'location' : undefined}
                onClick={() => goToPart(id)}
              >
                {title}
                {open(id) > 0 && (
                  <span className={classes.open}>
                    <VisuallyHidden>, {open(id)} to do</VisuallyHidden>
                  </span>
                )}
              </button>
            </li>
          ))}
        </ul>
      </nav>
      <SegmentedControl
        size="xs"
        aria-label="How many settings are shown"
        data={[
          { value: 'simple', label: 'Simple' },
          { value: 'all', label: 'All' },
        ]}
        value={view}
        onChange={(next) => onView(next as FormView)}
      />
    </div>
  );
}

function goToPart(id: string): void {
  const part = document.getElementById(partId(id));
  part?.scrollIntoView({ block: 'start' });
  part?.focus({ preventScroll: true });
}
