import type { ChartLine } from './chart-model.ts';
import classes from './charts.module.css';

/** A piece of the line as it is drawn: colour and dashes. */
export function Swatch({ line }: { line: Pick<ChartLine, 'color' | 'dash'> }) {
  return (
    <svg className={classes.swatch} width="18" height="6" aria-hidden="true">
      <line x1="0" y1="3" x2="18" y2="3" stroke={line.color} strokeWidth="2.5" strokeDasharray={line.dash} />
    </svg>
  );
}
