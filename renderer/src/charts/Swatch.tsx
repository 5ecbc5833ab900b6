import type { ChartLine } from './chart-model.ts';
import classes from './charts.module.css';

/** A piece of the line as it is drawn: colour and dashes. A background: a list draws one for every row that scrolls by, and each SVG is painted by itself. */
export function Swatch({ line }: { line: Pick<ChartLine, 'color' | 'dash'> }) {
  return <span className={classes.swatch} style={{ background: drawn(line) }} aria-hidden="true" />;
}

function drawn({ color, dash = '' }: Pick<ChartLine, 'color' | 'dash'>): string {
  const lengths = dash.split(' ').filter(Boolean).map(Number);
  if (lengths.length === 0) return color;
  let at = 0;
  const stops = lengths.map((length, k) => {
    const from = at;
    at += length;
    return `${k % 2 === 0 ? color : 'transparent'} ${from}px ${at}px`;
  });
  return `repeating-linear-gradient(to right, ${stops.join(', ')})`;
}
