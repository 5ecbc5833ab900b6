/**
 * What reacts to the pointer and the keyboard on a chart: the shared cursor with exact values, and dragging over a part
 * of x to see it closer. Arrow keys move the cursor from point to point.
 */
import { type KeyboardEvent, type PointerEvent, useRef, useState } from 'react';
import { nearestIndex } from '../../../electron/shared/runs/points.ts';
import { type Cursor, useChartGroup, useCursor, useCursorDrawing } from './ChartGroup.tsx';
import { type ChartLine, valueNear } from './chart-model.ts';
import classes from './charts.module.css';
import { MARGIN, type PlotArea, xPixel, xValue, yPixel } from './plot-area.ts';
import { Swatch } from './Swatch.tsx';

interface Props {
  title: string;
  lines: readonly ChartLine[];
  area: PlotArea;
  xLabel: string;
  formatX: (x: number) => string;
  formatY: (y: number) => string;
}

/** A drag shorter than this is a click. */
const MIN_DRAG = 6;

export function ChartOverlay({ title, lines, area, xLabel, formatX, formatY }: Props) {
  const { cursor, window, setWindow } = useChartGroup();
  const [inside, setInside] = useState(false);
  const [drag, setDrag] = useState<{ from: number; to: number } | null>(null);
  const box = useRef<HTMLDivElement>(null);

  /** Of the page. Measured once while the pointer is on the plot: that makes the browser compute all styles, which a move has just changed. */
  const edge = useRef<number | null>(null);
  const pixelOf = (event: PointerEvent) => {
    edge.current ??= box.current?.getBoundingClientRect().left ?? 0;
    return event.clientX - edge.current;
  };
  const snap = (value: number) => nearestX(lines, value);

  const move = (event: PointerEvent) => {
    setInside(true);
    cursor.set(snap(xValue(area, pixelOf(event))));
    if (drag) setDrag({ ...drag, to: pixelOf(event) });
  };
  const down = (event: PointerEvent) => {
    if (event.button !== 0) return;
    edge.current = null;
    event.currentTarget.setPointerCapture(event.pointerId);
    setDrag({ from: pixelOf(event), to: pixelOf(event) });
  };
  const up = () => {
    if (drag && Math.abs(drag.to - drag.from) >= MIN_DRAG) {
      const ends = [xValue(area, drag.from), xValue(area, drag.to)].sort((a, b) => a - b);
      setWindow(ends as [number, number]);
    }
    setDrag(null);
  };
  const leave = () => {
    edge.current = null;
    setInside(false);
    if (!drag) cursor.set(null);
  };
  const key = (event: KeyboardEvent) => {
    if (event.key === 'Escape') {
      if (window) setWindow(null);
      cursor.set(null);
      return;
    }
    const next = stepped(event.key, lines, area, cursor.get());
    if (next === null) return;
    event.preventDefault();
    setInside(true);
    cursor.set(next);
    tell(next);
  };

  const marks = useRef<HTMLDivElement>(null);
  useCursorDrawing(box, cursor, 'move', (x) => {
    if (marks.current) drawMarks(marks.current, lines, area, x);
  });
  /** For screen readers. */
  const tell = (x: number | null) => {
    if (!box.current) return;
    const values = x === null ? null : readValues(lines, x);
    box.current.ariaValueNow = String(x ?? area.xDomain[1]);
    box.current.ariaValueText =
      x === null || values === null || !within(area, x)
        ? 'no point chosen'
        : `${xLabel} ${formatX(x)}: ${values.map(({ line, y }) => `${line.label} ${formatY(y)}`).join(', ')}`;
  };
  useCursorDrawing(box, cursor, 'rest', tell);
  return (
    <div
      ref={box}
      className={classes.overlay}
      style={{ left: MARGIN.left, top: MARGIN.top, width: area.width, height: area.height }}
      role="slider"
      tabIndex={0}
      aria-label={`${title}: cursor, arrow keys move it`}
      aria-valuemin={area.xDomain[0]}
      aria-valuemax={area.xDomain[1]}
      aria-valuenow={area.xDomain[1]}
      onPointerMove={move}
      onPointerDown={down}
      onPointerUp={up}
      onPointerLeave={leave}
      onDoubleClick={() => setWindow(null)}
      onKeyDown={key}
      onBlur={() => {
        setInside(false);
        cursor.set(null);
      }}
    >
      <div ref={marks} className={classes.marks} hidden>
        <div className={classes.cursorLine} />
        {lines.map((line) => (
          <div key={line.key} className={classes.cursorDot} style={{ background: line.color }} />
        ))}
      </div>
      {drag && (
        <div
          className={classes.selection}
          style={{ left: Math.min(drag.from, drag.to), width: Math.abs(drag.to - drag.from) }}
        />
      )}
      {inside && <Values {...{ cursor, lines, area, xLabel, formatX, formatY }} />}
    </div>
  );
}

const within = ({ xDomain: [low, high] }: PlotArea, x: number) => x >= low && x <= high;

/** `marks` stands at the cursor and holds its line, then a dot for each line of the chart. */
function drawMarks(marks: HTMLElement, lines: readonly ChartLine[], area: PlotArea, x: number | null): void {
  marks.hidden = x === null || !within(area, x);
  if (x === null || marks.hidden) return;
  marks.style.transform = `translateX(${xPixel(area, x)}px)`;
  const [, ...dots] = marks.children as Iterable<HTMLElement>;
  for (const [k, dot] of dots.entries()) {
    const y = lines[k] && readValue(lines[k], x);
    const top = y === null || y === undefined ? Number.NaN : yPixel(area, y);
    dot.hidden = !(top >= 0 && top <= area.height);
    if (!dot.hidden) dot.style.transform = `translateY(${top}px)`;
  }
}

/** The values under the pointer; only of the chart that it is on. */
function Values({
  cursor,
  lines,
  area,
  xLabel,
  formatX,
  formatY,
}: Omit<Props, 'title'> & { cursor: Cursor }) {
  const x = useCursor(cursor);
  if (x === null || !within(area, x)) return null;
  const values = readValues(lines, x);
  return (
    <div className={classes.tooltip} style={beside(area, x)}>
      <div>
        {xLabel} <strong>{formatX(x)}</strong>
      </div>
      {values.slice(0, MOST_ROWS).map(({ line, y }) => (
        <div key={line.key} className={classes.tooltipRow}>
          <Swatch line={line} /> <span className={classes.tooltipName}>{line.label}</span>{' '}
          <span>{formatY(y)}</span>
        </div>
      ))}
      {values.length > MOST_ROWS && <div>and {values.length - MOST_ROWS} more</div>}
    </div>
  );
}

/** The tooltip stands on the side of the cursor that has more room. */
function beside(area: PlotArea, x: number) {
  const left = xPixel(area, x);
  const transform =
    left < area.width / 2 ? `translateX(${left + 12}px)` : `translateX(calc(${left - 12}px - 100%))`;
  return { transform };
}

/** Lines that a tooltip has room for. */
const MOST_ROWS = 14;

/** The value of a line that has a point at x, or near it where that is wished; else null. */
function readValue(line: ChartLine, x: number): number | null {
  const near = valueNear(line, x);
  if (!near || !Number.isFinite(near.y)) return null;
  const inside = line.nearest && x >= (line.x[0] as number) && x <= (line.x.at(-1) as number);
  return near.x === x || inside ? near.y : null;
}

function readValues(lines: readonly ChartLine[], x: number): { line: ChartLine; y: number }[] {
  return lines.flatMap((line) => {
    const y = readValue(line, x);
    return y === null ? [] : [{ line, y }];
  });
}

function nearestX(lines: readonly ChartLine[], x: number): number | null {
  let best: number | null = null;
  for (const line of lines) {
    const near = valueNear(line, x);
    if (near && (best === null || Math.abs(near.x - x) < Math.abs(best - x))) best = near.x;
  }
  return best;
}

/** Where a key moves the cursor to, along the longest line; null: not a key of ours. */
function stepped(key: string, lines: readonly ChartLine[], area: PlotArea, x: number | null): number | null {
  const line = lines.reduce<ChartLine | null>((a, b) => (a && a.x.length >= b.x.length ? a : b), null);
  if (!line || line.x.length === 0) return null;
  const at = nearestIndex(line.x, x ?? area.xDomain[1]);
  const tenth = Math.max(1, Math.round(line.x.length / 10));
  const moves: Record<string, number> = {
    ArrowLeft: at - 1,
    ArrowRight: at + 1,
    PageDown: at - tenth,
    PageUp: at + tenth,
    Home: 0,
    End: line.x.length - 1,
  };
  const to = moves[key];
  if (to === undefined) return null;
  return line.x[Math.min(line.x.length - 1, Math.max(0, to))] as number;
}
