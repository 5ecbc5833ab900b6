import type { ReactNode } from 'react';
import classes from './Facts.module.css';

interface Props {
  readonly facts: readonly (readonly [label: string, value: ReactNode])[];
  readonly columns?: number;
}

/** Names and values, as a description list. */
export function Facts({ facts, columns = 2 }: Props) {
  return (
    <dl className={classes.facts} style={{ gridTemplateColumns: `repeat(${columns}, minmax(0, 1fr))` }}>
      {facts.map(([label, value]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
