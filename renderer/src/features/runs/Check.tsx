import { useEffect, useRef } from 'react';
import classes from './Runs.module.css';

interface CheckProps {
  label: string;
  checked: boolean;
  mixed?: boolean;
  /** `range`: with shift held. */
  onToggle: (range: boolean) => void;
}

/** The platform's own: two hundred of them cost nothing. */
export function Check({ label, checked, mixed = false, onToggle }: CheckProps) {
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (input.current) input.current.indeterminate = mixed;
  }, [mixed]);
  return (
    <label className={classes.check}>
      <input
        ref={input}
        type="checkbox"
        aria-label={label}
        checked={checked}
        onChange={(event) => onToggle((event.nativeEvent as MouseEvent).shiftKey === true)}
      />
    </label>
  );
}
