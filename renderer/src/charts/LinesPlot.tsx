/** The drawn part of a chart: axes, grid and lines. Memoized: moving the cursor does not come here. */
import { memo } from 'react';
import { CartesianGrid, Line, LineChart, ReferenceLine, XAxis, YAxis } from 'recharts';
import { averageKey, type ChartLine, type ChartModel } from './chart-model.ts';
import { MARGIN } from './plot-area.ts';
import type { ScaleKind } from './scale.ts';

export interface PlotMark {
  x: number;
  label: string;
}

interface Props {
  model: ChartModel;
  lines: readonly ChartLine[];
  scale: ScaleKind;
  smoothed: boolean;
  zoomed: boolean;
  marks: readonly PlotMark[];
  width: number;
  height: number;
  formatX: (x: number) => string;
  formatY: (y: number) => string;
}

/** Above this many points, dots would hide the line. */
const MAX_DOTS = 80;

export const LinesPlot = memo(function LinesPlot(props: Props) {
  const { model, lines, scale, marks, width, height, formatX, formatY } = props;
  return (
    <LineChart
      width={width}
      height={height}
      data={model.rows}
      margin={{ top: MARGIN.top, right: MARGIN.right, bottom: 0, left: 0 }}
      accessibilityLayer={false}
    >
      <CartesianGrid stroke="var(--chart-grid)" vertical={false} syncWithTicks />
      <XAxis
        dataKey="x"
        type="number"
        domain={model.xDomain}
        ticks={model.xTicks}
        tickFormatter={formatX}
        height={MARGIN.bottom}
        allowDataOverflow
        stroke="var(--chart-text)"
        tickLine={false}
        minTickGap={24}
      />
      <YAxis
        type="number"
        domain={model.yDomain}
        ticks={model.yTicks}
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
      {lines.flatMap((line) => drawnLines(line, props))}
    </LineChart>
  );
});

function drawnLines(line: ChartLine, { smoothed, model, zoomed }: Props) {
  const averaged = smoothed && line.style === 'smoothed';
  const common = {
    type: 'linear' as const,
    stroke: line.color,
    isAnimationActive: false,
    connectNulls: true,
    activeDot: false,
    ...(line.dash ? { strokeDasharray: line.dash } : {}),
  };
  const points = model.rows.length === 1 || (line.style === 'dots' && line.x.length <= MAX_DOTS);
  // At the border of an unzoomed chart a dot may stand half outside of the plot.
  const dot = points ? { r: 3, fill: line.color, strokeWidth: 0, clipDot: zoomed } : false;
  const measured = (
    <Line
      key={line.key}
      {...common}
      dataKey={line.key}
      strokeWidth={averaged ? 1 : 2}
      strokeOpacity={averaged ? 0.28 : 1}
      dot={dot}
    />
  );
  if (!averaged) return [measured];
  const key = averageKey(line.key);
  return [measured, <Line key={key} {...common} dataKey={key} strokeWidth={2} dot={false} />];
}
