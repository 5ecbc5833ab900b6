/** The drawn part of a chart: axes below, lines above. Each redrawn only when it has changed. */
import { memo } from 'react';
import type { ChartFrame, DrawnLine, DrawnPoints } from './chart-model.ts';
import classes from './charts.module.css';
import { MARGIN, type PlotArea, xPixel, yPixel } from './plot-area.ts';

export interface PlotMark {
  x: number;
  label: string;
}

interface AxesProps {
  frame: ChartFrame;
  area: PlotArea;
  marks: readonly PlotMark[];
  formatX: (x: number) => string;
  formatY: (y: number) => string;
}

/**
 * Axes, grid and marks, from ticks that are computed already. Plain elements: a chart library measures every text of every axis, which was a
 * tenth of all work until the charts of a long run stood.
 */
export const PlotAxes = memo(function PlotAxes({ frame, area, marks, formatX, formatY }: AxesProps) {
  const { width, height } = area;
  return (
    <svg
      aria-hidden="true"
      className={classes.axes}
      width={MARGIN.left + width + MARGIN.right}
      height={MARGIN.top + height + MARGIN.bottom}
    >
      <g transform={`translate(${MARGIN.left} ${MARGIN.top})`}>
        {frame.yTicks.map((tick) => {
          const y = pixel(yPixel(area, tick));
          return (
            <g key={tick}>
              <line x2={width} y1={y} y2={y} stroke="var(--chart-grid)" />
              <text x={-8} y={y} dy="0.35em" textAnchor="end">
                {formatY(tick)}
              </text>
            </g>
          );
        })}
        <line x2={width} y1={height} y2={height} stroke="var(--chart-text)" />
        {spread(
          frame.xTicks.map((tick) => ({ x: xPixel(area, tick), text: formatX(tick) })),
          width,
        ).map(({ x, text }) => (
          <text key={text} x={pixel(x)} y={height + 17} textAnchor="middle">
            {text}
          </text>
        ))}
        {marks
          .filter(({ x }) => x >= frame.xDomain[0] && x <= frame.xDomain[1])
          .map(({ x, label }) => (
            <g key={`${x} ${label}`} transform={`translate(${pixel(xPixel(area, x))} 0)`}>
              <line y2={height} stroke="var(--chart-text)" strokeDasharray="2 4" />
              <text x={5} y={12}>
                {label}
              </text>
            </g>
          ))}
      </g>
    </svg>
  );
});

/** About what a letter of the ticks is wide, and the room between two ticks. */
const LETTER = 6.5;
const TICK_GAP = 12;

/** Ticks of x that do not touch, kept inside of the chart. */
function spread(ticks: readonly { x: number; text: string }[], width: number): { x: number; text: string }[] {
  let end = Number.NEGATIVE_INFINITY;
  return ticks.flatMap(({ x, text }) => {
    const half = (text.length * LETTER) / 2;
    const middle = Math.min(x, width + MARGIN.right - half);
    if (middle - half < end + TICK_GAP) return [];
    end = middle + half;
    return [{ x: middle, text }];
  });
}

/** Above this many points, dots would hide the line. */
const MAX_DOTS = 80;

interface LinesProps {
  drawn: readonly DrawnLine[];
  area: PlotArea;
  /** At the border of an unzoomed chart a dot may stand half outside of the plot. */
  zoomed: boolean;
}

/** One path a line: a slider that changes all of them sixty times a second must not build a tree. */
export const PlotLines = memo(function PlotLines({ drawn, area, zoomed }: LinesProps) {
  return (
    <svg
      aria-hidden="true"
      className={classes.lines}
      style={{ left: MARGIN.left, top: MARGIN.top, overflow: zoomed ? 'hidden' : 'visible' }}
      width={area.width}
      height={area.height}
    >
      {drawn.map(({ line, measured, average, band }) => {
        const common = { fill: 'none', stroke: line.color, strokeDasharray: line.dash };
        const dots = measured.x.length === 1 || (line.style === 'dots' && line.x.length <= MAX_DOTS);
        return (
          <g key={line.key}>
            {band && (
              <path data-band={line.key} d={bandOf(band, area)} fill={line.color} fillOpacity={0.16} />
            )}
            <path
              {...common}
              data-line={line.key}
              d={pathOf(measured, area)}
              strokeWidth={average ? 1 : 2}
              strokeOpacity={average ? 0.28 : 1}
            />
            {average && (
              <path {...common} data-average={line.key} d={pathOf(average, area)} strokeWidth={2} />
            )}
            {dots &&
              measured.x.map((x, i) => (
                <circle
                  key={x}
                  cx={xPixel(area, x)}
                  cy={yPixel(area, measured.y[i] as number)}
                  r={3}
                  fill={line.color}
                />
              ))}
          </g>
        );
      })}
    </svg>
  );
});

/** Tenths of pixels: more cannot be seen, and costs time to write and to read. */
const pixel = (value: number) => Math.round(value * 10) / 10;

function pathOf({ x, y }: DrawnPoints, area: PlotArea): string {
  let path = '';
  for (let i = 0; i < x.length; i++)
    path += `${i === 0 ? 'M' : 'L'}${pixel(xPixel(area, x[i] as number))} ${pixel(yPixel(area, y[i] as number))}`;
  return path;
}

/** Along the lower ends, and back along the upper ones. */
function bandOf([low, high]: [DrawnPoints, DrawnPoints], area: PlotArea): string {
  const back = { x: [...high.x].reverse(), y: [...high.y].reverse() };
  return `${pathOf(low, area)}${pathOf(back, area).replace('M', 'L')}Z`;
}
