/** Anything against anything, a point each. */
import { useElementSize } from '@mantine/hooks';
import { memo, useMemo } from 'react';
import { CartesianGrid, ReferenceLine, Scatter, ScatterChart, Tooltip, XAxis, YAxis } from 'recharts';
import chartClasses from '../../charts/charts.module.css';
import { ticks, yDomain } from '../../charts/scale.ts';
import classes from './Compare.module.css';

export interface PlotPoint {
  key: string;
  label: string;
  color: string;
  x: number;
  y: number;
}

interface Props {
  title: string;
  points: readonly PlotPoint[];
  xTitle: string;
  yTitle: string;
  formatX: (value: number) => string;
  formatY: (value: number) => string;
  /** Both axes alike, with the line of equal values. */
  diagonal?: boolean;
  /** Joined by a line, in this order: a Pareto front. */
  front?: readonly PlotPoint[];
  logX?: boolean;
  height?: number;
}

/** Values below zero have no logarithm. */
const mayBeLog = (points: readonly PlotPoint[]) => points.length > 0 && points.every(({ x }) => x > 0);

export const PointPlot = memo(function PointPlot(props: Props) {
  const { title, points, xTitle, yTitle, formatX, formatY, diagonal = false, height = 320 } = props;
  const { ref, width } = useElementSize();
  const log = props.logX === true && mayBeLog(points);
  const domains = useMemo(() => {
    const [xs, ys] = [points.map(({ x }) => x), points.map(({ y }) => y)];
    const wish = { scale: 'linear', clip: 'all' } as const;
    const both = diagonal ? yDomain([xs, ys], wish) : null;
    return {
      x: both ?? yDomain([xs], { ...wish, scale: log ? 'log' : 'linear' }) ?? [0, 1],
      y: both ?? yDomain([ys], wish) ?? [0, 1],
    };
  }, [points, diagonal, log]);
  return (
    <figure className={chartClasses.chart} aria-label={`${title}, ${points.length} points`}>
      <figcaption className={chartClasses.title}>{title}</figcaption>
      <div ref={ref} className={`${chartClasses.plot} ${classes.points}`} style={{ height }}>
        {width > 0 && points.length > 0 && (
          <ScatterChart
            width={width}
            height={height}
            margin={{ top: 8, right: 16, bottom: 22, left: 12 }}
            accessibilityLayer={false}
          >
            <CartesianGrid stroke="var(--chart-grid)" />
            <XAxis
              dataKey="x"
              type="number"
              domain={domains.x}
              ticks={ticks(domains.x, log ? 'log' : 'linear', 6)}
              scale={log ? 'log' : 'linear'}
              tickFormatter={formatX}
              stroke="var(--chart-text)"
              tickLine={false}
              label={{ value: xTitle, position: 'bottom', offset: 4 }}
            />
            <YAxis
              dataKey="y"
              type="number"
              domain={domains.y}
              ticks={ticks(domains.y, 'linear')}
              tickFormatter={formatY}
              stroke="var(--chart-text)"
              tickLine={false}
              width={70}
              label={{ value: yTitle, angle: -90, position: 'insideLeft', style: { textAnchor: 'middle' } }}
            />
            {diagonal && (
              <ReferenceLine
                segment={[
                  { x: domains.x[0], y: domains.x[0] },
                  { x: domains.x[1], y: domains.x[1] },
                ]}
                stroke="var(--chart-text)"
                strokeDasharray="3 4"
              />
            )}
            <Tooltip
              isAnimationActive={false}
              content={({ payload }) => (
                <Hint point={payload?.[0]?.payload as PlotPoint | undefined} {...props} />
              )}
            />
            {props.front && props.front.length > 1 && (
              <Scatter
                data={[...props.front]}
                line={{ stroke: 'var(--chart-text)', strokeWidth: 1.5 }}
                shape={() => <g />}
                isAnimationActive={false}
              />
            )}
            <Scatter data={[...points]} shape={Dot} isAnimationActive={false} />
          </ScatterChart>
        )}
        {points.length === 0 && <div className={chartClasses.empty}>No run has both values</div>}
      </div>
    </figure>
  );
});

function Dot(place: unknown) {
  const { cx, cy, payload } = place as { cx: number; cy: number; payload: PlotPoint };
  return <circle cx={cx} cy={cy} r={4} fill={payload.color} fillOpacity={0.8} />;
}

function Hint({ point, xTitle, yTitle, formatX, formatY }: Props & { point: PlotPoint | undefined }) {
  if (!point) return null;
  return (
    <div className={classes.hint}>
      <strong>{point.label}</strong>
      <div>
        {xTitle}: {formatX(point.x)}
      </div>
      <div>
        {yTitle}: {formatY(point.y)}
      </div>
    </div>
  );
}
