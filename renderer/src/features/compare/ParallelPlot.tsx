/** Parallel coordinates: an axis for each setting and result, a line for each run. A drag along an axis keeps the runs that pass there. */
import { Button, Group, Text } from '@mantine/core';
import { useElementSize } from '@mantine/hooks';
import { type PointerEvent, useMemo, useState } from 'react';
import { plural } from '../../components/format.ts';
import { AxisControls } from './AxisControls.tsx';
import classes from './Compare.module.css';
import type { Compared } from './compared.ts';
import { writeColumn } from './ExploreTab.tsx';
import { type AxisScale, axisScale, type Brushes, brushed, type Column, type TableRun } from './explore.ts';

interface Props {
  compared: Compared;
  rows: readonly TableRun[];
  columns: readonly Column[];
}

const HEIGHT = 300;
const TOP = 20;
const BOTTOM = 12;
const SIDE = 60;
/** A drag shorter than this share of an axis takes its brush away; as near to its end, it means the end. */
const SHORTEST = 0.03;

export interface DrawnAxis {
  column: Column;
  scale: AxisScale;
  x: number;
}

const yOf = (share: number) => TOP + (1 - share) * (HEIGHT - TOP - BOTTOM);

export function ParallelPlot({ compared, rows, columns }: Props) {
  const { ref, width } = useElementSize();
  const [brushes, setBrushes] = useState<Brushes>(new Map());
  const [logs, setLogs] = useState<ReadonlySet<string>>(new Set());
  const [flips, setFlips] = useState<ReadonlySet<string>>(new Set());
  const axes = useMemo<DrawnAxis[]>(
    () =>
      columns.map((column, k) => ({
        column,
        scale: axisScale(
          rows.map(({ values }) => values[column.place] ?? null),
          logs.has(column.key),
          flips.has(column.key),
        ),
        x: columns.length < 2 ? width / 2 : SIDE + (k * Math.max(0, width - 2 * SIDE)) / (columns.length - 1),
      })),
    [columns, rows, logs, flips, width],
  );
  const kept = useMemo(() => brushed(rows, axes, brushes), [rows, axes, brushes]);
  const colors = useMemo(
    () => new Map(compared.groups.map(({ key, look }) => [key, look.color])),
    [compared.groups],
  );
  const brush = (key: string, range: readonly [number, number] | null) =>
    setBrushes((before) => {
      const after = new Map(before);
      if (range) after.set(key, range);
      else after.delete(key);
      return after;
    });
  const toggled = (set: ReadonlySet<string>, key: string) => {
    const after = new Set(set);
    if (!after.delete(key)) after.add(key);
    return after;
  };
  return (
    <div ref={ref}>
      {width > 0 && (
        <svg
          width={width}
          height={HEIGHT}
          className={classes.parallel}
          role="img"
          aria-label={`${plural(kept.size, 'run')} of ${rows.length} over ${axes.map(({ column }) => column.title).join(', ')}`}
        >
          {rows.map((row) => (
            <path
              key={row.id}
              d={pathOf(row, axes)}
              fill="none"
              stroke={colors.get(row.group) ?? 'var(--run-1)'}
              strokeWidth={1.5}
              strokeOpacity={kept.has(row.id) ? 0.75 : 0.07}
            />
          ))}
          {axes.map((axis) => (
            <AxisDrawing
              key={axis.column.key}
              axis={axis}
              brush={brushes.get(axis.column.key) ?? null}
              onBrush={(range) => brush(axis.column.key, range)}
            />
          ))}
        </svg>
      )}
      <Group gap="lg" mt="xs">
        <Text size="xs" role="status">
          {kept.size === rows.length
            ? 'Drag along an axis to keep the runs that pass there'
            : `${kept.size} of ${plural(rows.length, 'run')} kept`}
        </Text>
        {brushes.size > 0 && (
          <Button size="compact-xs" variant="light" onClick={() => setBrushes(new Map())}>
            Keep all
          </Button>
        )}
        {axes.map((axis) => {
          const { key } = axis.column;
          return (
            <AxisControls
              key={key}
              axis={axis}
              log={logs.has(key)}
              flipped={flips.has(key)}
              brush={brushes.get(key) ?? null}
              onLog={() => setLogs(toggled(logs, key))}
              onFlip={() => setFlips(toggled(flips, key))}
              onBrush={(range) => brush(key, range)}
            />
          );
        })}
      </Group>
    </div>
  );
}

/** A gap where the run has no value. */
function pathOf({ values }: TableRun, axes: readonly DrawnAxis[]): string {
  let path = '';
  let open = false;
  for (const { column, scale, x } of axes) {
    const at = scale.at(values[column.place] ?? null);
    if (Number.isFinite(at)) path += `${open ? 'L' : 'M'}${x.toFixed(1)} ${yOf(at).toFixed(1)}`;
    open = Number.isFinite(at);
  }
  return path;
}

/** Pixels beyond the ends of an axis where a drag may begin: the first and the last value are to be caught, too. */
const EDGE = 10;

interface AxisProps {
  axis: DrawnAxis;
  brush: readonly [number, number] | null;
  onBrush: (range: readonly [number, number] | null) => void;
}

function AxisDrawing({ axis: { column, scale, x }, brush, onBrush }: AxisProps) {
  const [from, setFrom] = useState<number | null>(null);
  const shareOf = (event: PointerEvent<SVGRectElement>) => {
    const box = event.currentTarget.getBoundingClientRect();
    const share = (box.bottom - EDGE - event.clientY) / (box.height - 2 * EDGE);
    return share > 1 - SHORTEST ? 1 : share < SHORTEST ? 0 : share;
  };
  const write = writeColumn(column);
  return (
    <g>
      <text x={x} y={12} textAnchor="middle" fontWeight={600}>
        {column.title.length > 22 ? `${column.title.slice(0, 21)}…` : column.title}
      </text>
      <path d={`M${x} ${TOP}V${HEIGHT - BOTTOM}`} stroke="var(--chart-text)" />
      {scale.marks.map((mark) => (
        <text key={String(mark)} x={x - 6} y={yOf(scale.at(mark)) + 4} textAnchor="end">
          {typeof mark === 'number' ? write(mark) : mark.slice(0, 14)}
        </text>
      ))}
      {brush && (
        <rect
          className={classes.brush}
          x={x - 8}
          width={16}
          y={yOf(brush[1])}
          height={Math.max(1, yOf(brush[0]) - yOf(brush[1]))}
        />
      )}
      <rect
        data-axis={column.key}
        x={x - 14}
        y={TOP - EDGE}
        width={28}
        height={HEIGHT - TOP - BOTTOM + 2 * EDGE}
        fill="transparent"
        style={{ cursor: 'ns-resize', touchAction: 'none' }}
        onPointerDown={(event) => {
          event.currentTarget.setPointerCapture(event.pointerId);
          setFrom(shareOf(event));
        }}
        onPointerMove={(event) => {
          if (from === null) return;
          const to = shareOf(event);
          onBrush(Math.abs(to - from) < SHORTEST ? null : [Math.min(from, to), Math.max(from, to)]);
        }}
        onPointerUp={() => setFrom(null)}
      />
    </g>
  );
}
