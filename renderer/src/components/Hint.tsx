/**
 * A tooltip that costs nothing until somebody points at what it belongs to, or comes to it with the keyboard: a page has dozens, each of which would
 * measure, listen and prepare a portal while the page is drawn.
 */
import { Tooltip, type TooltipProps } from '@mantine/core';
import {
  type AriaAttributes,
  cloneElement,
  type DOMAttributes,
  type FocusEvent,
  type KeyboardEvent,
  type PointerEvent,
  type ReactElement,
  useEffect,
  useId,
  useRef,
  useState,
} from 'react';

/** So long the pointer rests before it opens, milliseconds. */
const OPEN_MS = 350;

interface Props extends Pick<TooltipProps, 'position' | 'classNames'> {
  label: string;
  disabled?: boolean;
  /** Takes the handlers of a pointer and of the keyboard, and hands them to its element. */
  children: ReactElement<DOMAttributes<HTMLElement> & AriaAttributes>;
}

export function Hint({ label, disabled = label === '', children, ...rest }: Props) {
  const id = useId();
  const [target, setTarget] = useState<HTMLElement | null>(null);
  const [opened, setOpened] = useState(false);
  const timer = useRef<ReturnType<typeof setTimeout> | undefined>(undefined);
  useEffect(() => () => clearTimeout(timer.current), []);
  if (disabled) return children;

  const open = (element: HTMLElement, after: number) => {
    setTarget(element);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => setOpened(true), after);
  };
  const close = () => {
    clearTimeout(timer.current);
    setOpened(false);
  };
  const own = children.props;
  const handlers: DOMAttributes<HTMLElement> & AriaAttributes = {
    onPointerEnter: (event: PointerEvent<HTMLElement>) => {
      own.onPointerEnter?.(event);
      if (event.pointerType !== 'touch') open(event.currentTarget, OPEN_MS);
    },
    onPointerLeave: (event: PointerEvent<HTMLElement>) => {
      own.onPointerLeave?.(event);
      close();
    },
    onFocus: (event: FocusEvent<HTMLElement>) => {
      own.onFocus?.(event);
      if (event.target.matches(':focus-visible')) open(event.currentTarget, 0);
    },
    onBlur: (event: FocusEvent<HTMLElement>) => {
      own.onBlur?.(event);
      close();
    },
    onKeyDown: (event: KeyboardEvent<HTMLElement>) => {
      own.onKeyDown?.(event);
      if (event.key === 'Escape') close();
    },
    ...(opened ? { 'aria-describedby': id } : {}),
  };
  return (
    <>
      {cloneElement(children, handlers)}
      {target && <Tooltip {...rest} target={target} opened={opened} label={<span id={id}>{label}</span>} />}
    </>
  );
}
