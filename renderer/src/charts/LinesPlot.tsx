/** The drawn part of a chart: axes and grid of the library below, lines of our own above. Each redrawn only when it has changed. */
import { memo } from 'react';
import { CartesianGrid, LineChart, ReferenceLine, XAxis, YAxis } from 'recharts';
import type { ChartFrame, DrawnLine, DrawnPoints } from './chart-model.ts';
import classes from './charts.module.css';
import { MARGIN, type PlotArea, xPixel, yPixel } from './plot-area.ts';
import type { ScaleKind } from './scale.ts';

export interface PlotMark {
  x: number;
  label: string;
}

interface AxesProps {
  frame: ChartFrame;
  scale: ScaleKind;
  marks: readonly PlotMark[];
  width: number;
  height: number;
  formatX: (x: number) => string;
  formatY: (y: number) => string;
}

/** Axes, grid and marks. Dear to draw, and the same while only lines change. */
export const PlotAxes = memo(function PlotAxes(props: AxesProps) {
  const { frame, scale, marks, width, height, formatX, formatY } = props;
  return (
    <LineChart
      width={width}
      height={height}
      data={frame.xDomain.map((x) => ({ x }))}
      margin={{ top: MARGIN.top, right: MARGIN.right, bottom: 0, left: 0 }}
      accessibilityLayer={false}
    >
      <CartesianGrid stroke="var(--chart-grid)" vertical={false} syncWithTicks />
      <XAxis
        dataKey="x"
        type="number"
        domain={frame.xDomain}
        ticks={frame.xTicks}
        tickFormatter={formatX}
        height={MARGIN.bottom}
        allowDataOverflow
        stroke="var(--chart-text)"
        tickLine={false}
        minTickGap={24}
      />
      <YAxis
        type="number"
        domain={frame.yDomain}
        ticks={frame.yTicks}
        tickFormatter={formatY}
        scale={scale}
        width={MARGIN.left}
        allowDataOverflow
        axisLine={false}
        tickLine={false}
        interval={0}
      />
      {marks.map((mark) => (
        <ReferenceLine
          key={`${mark.x} ${mark.label}`}
          x={mark.x}
          stroke="var(--chart-text)"
          strokeDasharray="2 4"
          label={{ value: mark.label, position: 'insideTopLeft' }}
        />
      ))}
    </LineChart>
  );
});

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
