/**
 * A series as JSON: columns as base64 of their little-endian doubles, the rest as it is. A page gets a run of 100,000 steps in one
 * message instead of as many events.
 */
import { z } from 'zod';
import { type Axis, axes, noPoints, type Points } from './points.ts';
import { emptySeries, type RunSeries } from './series.ts';

const pointsSchema = z.object({
  length: z.number().int().min(0),
  axes: z.record(z.string(), z.string()),
  metrics: z.record(z.string(), z.string()),
});

export const encodedSeriesSchema = z.looseObject({
  lastSeq: z.number().int(),
  steps: pointsSchema,
  evals: z.record(z.string(), pointsSchema),
});
export type EncodedSeries = z.infer<typeof encodedSeriesSchema>;

type ToText = (bytes: Uint8Array) => string;
type FromText = (text: string) => Uint8Array;

/** `toText`: base64, as fast as the platform has it. */
export function encodeSeries(series: RunSeries, toText: ToText): EncodedSeries {
  const column = (values: Float64Array) =>
    toText(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  const points = (of: Points) => ({
    length: of.length,
    axes: Object.fromEntries(axes.map((name) => [name, column(of.axis(name))])),
    metrics: Object.fromEntries(of.names.map((name) => [name, column(of.metric(name))])),
  });
  return { ...series, steps: points(series.steps), evals: mapped(series.evals, points) };
}

/** Throws RangeError for columns of another length than they say. */
export function decodeSeries(encoded: EncodedSeries, fromText: FromText): RunSeries {
  const points = (of: z.infer<typeof pointsSchema>): Points => {
    const column = (text: string | undefined) => {
      const bytes = fromText(text ?? '');
      if (bytes.byteLength !== of.length * 8)
        throw new RangeError(`a column has ${bytes.byteLength} bytes instead of ${of.length * 8}`);
      return new Float64Array(bytes.buffer, bytes.byteOffset, of.length);
    };
    const x = Object.fromEntries(axes.map((name) => [name, column(of.axes[name])]));
    return noPoints
      .append()
      .addColumns(of.length, x as Record<Axis, Float64Array>, mapped(of.metrics, column))
      .close();
  };
  const rest = encoded as unknown as RunSeries;
  return { ...emptySeries, ...rest, steps: points(encoded.steps), evals: mapped(encoded.evals, points) };
}

const mapped = <A, B>(record: Readonly<Record<string, A>>, to: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, to(value)]));
