/**
 * A series as it is sent and kept: columns packed (bytes, or base64 of them in a file), the rest as it is. A page gets a run of 100,000 steps in one
 * message instead of as many events.
 */
import { z } from 'zod';
import { packColumn, unpackColumn } from './column-codec.ts';
import { type Axis, axes, Points } from './points.ts';
import { emptySeries, type RunSeries } from './series.ts';

const columnSchema = z.union([
  z.string(),
  z.object({ $bytes: z.custom<Uint8Array>((value) => value instanceof Uint8Array) }),
]);
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

/** `toColumn`: base64, or what a transport sends as it is. */
export function encodeSeries(series: RunSeries, toColumn: (bytes: Uint8Array) => Column): EncodedSeries {
  const column = (values: Float64Array) =>
    toColumn(values.length === 0 ? new Uint8Array() : packColumn(values));
  const points = (of: Points) => ({
    length: of.length,
    axes: Object.fromEntries(axes.map((name) => [name, column(of.axis(name))])),
    metrics: Object.fromEntries(of.names.map((name) => [name, column(of.metric(name))])),
  });
  return {
    ...series,
    steps: points(series.steps),
    monitors: points(series.monitors),
    evals: mapped(series.evals, points),
  };
}

/**
 * `fromText`: bytes of a column in base64; without it columns are read as bytes only. Throws RangeError for columns of another length than
 * they say. Columns may be views on the bytes they came in.
 */
export function decodeSeries(
  encoded: EncodedSeries,
  fromText: (text: string) => Uint8Array = () => new Uint8Array(),
): RunSeries {
  const points = (of: z.infer<typeof pointsSchema>): Points => {
    const column = (from: Column = '') =>
      of.length === 0
        ? new Float64Array()
        : unpackColumn(typeof from === 'string' ? fromText(from) : from.$bytes, of.length);
    const x = Object.fromEntries(axes.map((name) => [name, column(of.axes[name])]));
    return Points.of(of.length, x as Record<Axis, Float64Array>, mapped(of.metrics, column));
  };
  const rest = encoded as unknown as RunSeries;
  return {
    ...emptySeries,
    ...rest,
    steps: points(encoded.steps),
    monitors: points(encoded.monitors),
    evals: mapped(encoded.evals, points),
  };
}

const mapped = <A, B>(record: Readonly<Record<string, A>>, to: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));
