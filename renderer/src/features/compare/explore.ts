/** Runs as points in the space of their settings and results. Pure. */
import type { RunTable } from '../../../../electron/shared/runs/comparison.ts';

export type Column = RunTable['columns'][number] & { place: number };
export type TableRun = RunTable['rows'][number];

export const columnsOf = ({ columns }: RunTable): Column[] =>
  columns.map((column, place) => ({ ...column, place }));

/** A scale of one axis: where a value lies between 0 (bottom) and 1; NaN for none. */
export interface AxisScale {
  at: (value: TableRun['values'][number]) => number;
  /** The value at a place; of texts the nearest. */
  value: (share: number) => number | string;
  /** Values with a mark. */
  marks: (number | string)[];
  /** May be shown by its logarithm. */
  positive: boolean;
}

/** Texts stand evenly, in the order of their names. A flipped axis has its high end at the bottom. */
export function axisScale(
  values: readonly TableRun['values'][number][],
  log: boolean,
  flipped: boolean,
): AxisScale {
  const turn = (share: number) => (flipped ? 1 - share : share);
  const numbers = values.filter((value): value is number => typeof value === 'number');
  if (values.some((value) => typeof value === 'string')) {
    const kinds = [...new Set(values.filter((value) => value !== null).map(String))].sort();
    const of = (value: unknown) =>
      kinds.length < 2 ? 0.5 : kinds.indexOf(String(value)) / (kinds.length - 1);
    return {
      at: (value) => (value === null ? Number.NaN : turn(of(value))),
      value: (share) => kinds[Math.round(turn(share) * (kinds.length - 1))] ?? '',
      marks: kinds,
      positive: false,
    };
  }
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  const positive = low > 0;
  const [by, back] =
    log && positive ? [Math.log, Math.exp] : [(value: number) => value, (value: number) => value];
  const of = (value: number) => (high > low ? (by(value) - by(low)) / (by(high) - by(low)) : 0.5);
  const middle = log && positive ? Math.sqrt(low * high) : (low + high) / 2;
  return {
    at: (value) => (typeof value === 'number' ? turn(of(value)) : Number.NaN),
    value: (share) => back(by(low) + turn(share) * (by(high) - by(low))),
    marks: numbers.length === 0 ? [] : high > low ? [low, middle, high] : [low],
    positive,
  };
}

export type Brushes = ReadonlyMap<string, readonly [number, number]>;

/** Runs inside all brushes; a run without a value is outside of a brush. */
export function brushed(
  rows: readonly TableRun[],
  axes: readonly { column: Column; scale: AxisScale }[],
  brushes: Brushes,
): Set<string> {
  return new Set(
    rows
      .filter((row) =>
        axes.every(({ column, scale }) => {
          const brush = brushes.get(column.key);
          if (!brush) return true;
          const at = scale.at(row.values[column.place] ?? null);
          return at >= brush[0] - 1e-9 && at <= brush[1] + 1e-9;
        }),
      )
      .map(({ id }) => id),
  );
}

/** Points that no other beats in both: `x` and `y` say which way is better. From the best x to the best y. */
export function paretoFront<T extends { x: number; y: number }>(
  points: readonly T[],
  better: { x: 'lower' | 'higher'; y: 'lower' | 'higher' },
): T[] {
  const sign = { lower: 1, higher: -1 } as const;
  const [sx, sy] = [sign[better.x], sign[better.y]];
  const sorted = [...points].sort((a, b) => sx * (a.x - b.x) || sy * (a.y - b.y));
  const front: T[] = [];
  for (const point of sorted) {
    const last = front.at(-1);
    if (!last || sy * (point.y - last.y) < 0) front.push(point);
  }
  return front;
}

/** Settings that differ and the results, for parallel coordinates: settings first, the main result last. */
export function defaultAxes(columns: readonly Column[]): string[] {
  const settings = columns.filter(({ kind }) => kind === 'setting').slice(0, 5);
  const results = columns.filter(({ kind, better }) => kind === 'result' && better !== null).slice(0, 2);
  return [...settings, ...results.reverse()].map(({ key }) => key);
}
