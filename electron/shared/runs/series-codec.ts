/**
 * A series as it is sent and kept: columns packed into bytes, the rest as it is. A page gets a run of 100,000 steps in one message instead of as many
 * events, and a host that has it kept passes it on as it is.
 */
import { z } from 'zod';
import { isColumn, packColumn, unpackColumn } from './column-codec.ts';
import { type Axis, axes, Points } from './points.ts';
import { emptySeries, type RunSeries } from './series.ts';

/** Where a transport, or a file, finds the bytes. */
const columnSchema = z.object({ $bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array) });
type Column = z.infer<typeof columnSchema>;
const pointsSchema = z.object({
  length: z.number().int().min(0),
  axes: z.record(z.string(), columnSchema),
  metrics: z.record(z.string(), columnSchema),
});

export const encodedSeriesSchema = z.looseObject({
  lastSeq: z.number().int(),
  steps: pointsSchema,
  monitors: pointsSchema,
  evals: z.record(z.string(), pointsSchema),
});
export type EncodedSeries = z.infer<typeof encodedSeriesSchema>;
type EncodedPoints = z.infer<typeof pointsSchema>;
/** How a transport or a file is told of bytes. */
type ToColumn = (bytes: Uint8Array) => Column;

export function encodeSeries(series: RunSeries, toColumn: ToColumn): EncodedSeries {
  const column = (values: Float64Array) =>
    toColumn(values.length === 0 ? new Uint8Array() : packColumn(values));
  const points = (of: Points) => ({
    length: of.length,
    axes: Object.fromEntries(axes.map((name) => [name, column(of.axis(name))])),
    metrics: Object.fromEntries(of.names.map((name) => [name, column(of.metric(name))])),
  });
  return { ...series, ...mappedPoints(series, points) };
}

/** The same series, its columns told of otherwise. Throws RangeError for columns that `decodeSeries` would refuse. */
export function recodeSeries(encoded: EncodedSeries, toColumn: ToColumn): EncodedSeries {
  const points = ({ length, axes: x, metrics }: EncodedPoints) => {
    const column = ({ $bytes }: Column) => {
      if (length > 0 && !isColumn($bytes, length)) throw new RangeError(`no column of ${length} values`);
      return toColumn($bytes);
    };
    for (const name of axes) if (!x[name]) throw new RangeError(`no column "${name}"`);
    return { length, axes: mapped(x, column), metrics: mapped(metrics, column) };
  };
  return { ...encoded, ...mappedPoints(encoded, points) };
}

/** Throws RangeError for columns of another length than they say. Columns may be views on the bytes they came in. */
export function decodeSeries(encoded: EncodedSeries): RunSeries {
  const points = ({ length, axes: x, metrics }: EncodedPoints): Points => {
    const column = (from?: Column) =>
      length === 0 ? new Float64Array() : unpackColumn(from?.$bytes ?? new Uint8Array(), length);
    const places = Object.fromEntries(axes.map((name) => [name, column(x[name])]));
    return Points.of(length, places as Record<Axis, Float64Array>, mapped(metrics, column));
  };
  return { ...emptySeries, ...(encoded as unknown as RunSeries), ...mappedPoints(encoded, points) };
}

interface PointsOf<P> {
  steps: P;
  monitors: P;
  evals: Record<string, P>;
}

const mappedPoints = <A, B>(
  { steps, monitors, evals }: Readonly<PointsOf<A>>,
  to: (points: A) => B,
): PointsOf<B> => ({
  steps: to(steps),
  monitors: to(monitors),
  evals: mapped(evals, to),
});

const mapped = <A, B>(record: Readonly<Record<string, A>>, to: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));
