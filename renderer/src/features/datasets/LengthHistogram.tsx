import { useReducedMotion } from '@mantine/hooks';
import { useMemo } from 'react';
import {
  Bar,
  BarChart,
  CartesianGrid,
  Cell,
  ReferenceLine,
  ResponsiveContainer,
  Tooltip,
  XAxis,
  YAxis,
} from 'recharts';
import type { TokenStats } from '../../../../electron/shared/api/entities.ts';
import { formatInteger, plural } from '../../components/format.ts';
import classes from './LengthHistogram.module.css';

/** Rows by length, with a line at the sequence length; bars beyond it are hatched, not only coloured. */
export function LengthHistogram({ stats, seqLen }: { stats: TokenStats; seqLen: number }) {
  const still = useReducedMotion();
  const bins = useMemo(
    () => stats.histogram.map((bin) => ({ ...bin, middle: (bin.from + bin.to) / 2 })),
    [stats.histogram],
  );
  const last = stats.histogram.at(-1)?.to ?? 1;
  // A length far beyond the data is named at the edge instead of squeezing the bars.
  const domainEnd = seqLen > last * 2 ? last : Math.max(last, seqLen * 1.05);
  const label = `Histogram of ${plural(stats.rows, 'row')} by tokens, from ${stats.min} to ${stats.max}; ${plural(stats.tooLong, 'row')} beyond ${seqLen}.`;
  return (
    <div role="img" aria-label={label} className={classes.chart}>
      {seqLen > domainEnd && <div className={classes.edge}>sequence length {formatInteger(seqLen)} →</div>}
      <ResponsiveContainer width="100%" height={280} initialDimension={{ width: 900, height: 280 }}>
        <BarChart
          data={bins}
          margin={{ top: 24, right: 16, bottom: 20, left: 8 }}
          barCategoryGap={1}
          accessibilityLayer={false}
        >
          <defs>
            <pattern
              id="beyond"
              width="6"
              height="6"
              patternUnits="userSpaceOnUse"
              patternTransform="rotate(45)"
            >
              <rect width="6" height="6" className={classes.beyondBack ?? ''} />
              <rect width="2.5" height="6" className={classes.beyondLine ?? ''} />
            </pattern>
          </defs>
          <CartesianGrid vertical={false} />
          <XAxis
            dataKey="middle"
            type="number"
            domain={[0, domainEnd]}
            tickCount={9}
            tickFormatter={(value: number) => formatInteger(value)}
            label={{ value: 'tokens', position: 'insideBottom', offset: -12, className: classes.label ?? '' }}
          />
          <YAxis
            width={64}
            allowDecimals={false}
            tickFormatter={(value: number) => formatInteger(value)}
            label={{ value: 'rows', angle: -90, position: 'insideLeft', className: classes.label ?? '' }}
          />
          <Tooltip
            cursor={{ className: classes.cursor ?? '' }}
            isAnimationActive={!still}
            animationDuration={120}
            content={({ payload }) => {
              const bin = payload?.[0]?.payload as (typeof bins)[number] | undefined;
              if (!bin) return null;
              return (
                <div className={classes.tooltip}>
                  {formatInteger(bin.from)} – {formatInteger(bin.to)} tokens
                  <br />
                  <strong>{plural(bin.count, 'row')}</strong>
                </div>
              );
            }}
          />
          <Bar dataKey="count" isAnimationActive={false}>
            {bins.map((bin) => (
              <Cell
                key={bin.from}
                className={classes.bar ?? ''}
                {...(bin.from >= seqLen ? { fill: 'url(#beyond)', className: classes.beyond ?? '' } : {})}
              />
            ))}
          </Bar>
          {seqLen <= domainEnd && (
            <ReferenceLine
              x={seqLen}
              label={{
                value: `sequence length ${formatInteger(seqLen)}`,
                position: 'top',
                className: classes.markerLabel ?? '',
              }}
            />
          )}
        </BarChart>
      </ResponsiveContainer>
    </div>
  );
}
