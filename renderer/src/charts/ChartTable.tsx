/** The same chart as numbers: every measured point, in rows that exist only while they are seen. */
import { useVirtualizer } from '@tanstack/react-virtual';
import { useMemo, useRef } from 'react';
import { allRows } from './chart-csv.ts';
import type { ChartLine } from './chart-model.ts';
import classes from './charts.module.css';

interface Props {
  title: string;
  lines: readonly ChartLine[];
  xLabel: string;
  height: number;
  formatX: (x: number) => string;
  formatY: (y: number) => string;
}

const ROW_HEIGHT = 26;

export function ChartTable({ title, lines, xLabel, height, formatX, formatY }: Props) {
  const rows = useMemo(() => allRows(lines), [lines]);
  const box = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => ROW_HEIGHT,
    overscan: 10,
  });
  const items = virtual.getVirtualItems();
  const above = items[0]?.start ?? 0;
  const below = virtual.getTotalSize() - (items.at(-1)?.end ?? 0);
  return (
    <section
      ref={box}
      className={classes.tableBox}
      style={{ height }}
      aria-label={`${title}, values`}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard
      tabIndex={0}
    >
      <table className={classes.table} aria-rowcount={rows.length + 1}>
        <thead>
          <tr>
            <th scope="col">{xLabel}</th>
            {lines.map((line) => (
              <th key={line.key} scope="col">
                {line.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          <tr style={{ height: above }} />
          {items.map((item) => {
            // Newest first: what a reader of a live run wants to see.
            const row = rows[rows.length - 1 - item.index];
            return row ? (
              <tr key={item.key} aria-rowindex={item.index + 2} style={{ height: ROW_HEIGHT }}>
                <td>{formatX(row.x)}</td>
                {lines.map((line, i) => (
                  <td key={line.key}>{row.values[i] === null ? '' : formatY(row.values[i] as number)}</td>
                ))}
              </tr>
            ) : null;
          })}
          <tr style={{ height: below }} />
        </tbody>
      </table>
    </section>
  );
}
