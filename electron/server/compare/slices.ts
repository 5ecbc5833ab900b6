/** Rows of an evaluation in slices: by their length, or by a column of their dataset. Pure. */
import type { ComparedExample, Examples } from '../../shared/runs/compared-examples.ts';

type Slice = Examples['slices'][number];

const QUARTERS = 4;
/** Values of a column that get a slice of their own. */
const MOST_VALUES = 12;

function sliceOf(title: string, rows: readonly ComparedExample[]): Slice {
  const count = (outcome: ComparedExample['outcome']) => rows.filter((one) => one.outcome === outcome).length;
  return {
    title,
    rows: rows.length,
    difference: rows.reduce((sum, one) => sum + one.candidate - one.baseline, 0) / rows.length,
    won: count('won'),
    lost: count('lost'),
  };
}

/** Quarters of the rows by a number that each has. */
function quarters(
  examples: readonly ComparedExample[],
  numberOf: (one: ComparedExample) => number,
  title: (low: number, high: number) => string,
): Slice[] {
  const sorted = [...examples].sort((a, b) => numberOf(a) - numberOf(b));
  const count = Math.min(QUARTERS, sorted.length);
  return Array.from({ length: count }, (_, k) => {
    const rows = sorted.slice(
      Math.floor((k * sorted.length) / count),
      Math.floor(((k + 1) * sorted.length) / count),
    );
    const [first, last] = [rows[0], rows.at(-1)] as [ComparedExample, ComparedExample];
    return sliceOf(title(numberOf(first), numberOf(last)), rows);
  });
}

export const slicesByLength = (examples: readonly ComparedExample[]): Slice[] =>
  quarters(
    examples,
    (one) => one.tokens,
    (low, high) => (low === high ? `${low} tokens` : `${low} to ${high} tokens`),
  );

/** `values` in the order of the examples. Numbers of many kinds in quarters; else a slice for each value, the rarest together. */
export function slicesByColumn(examples: readonly ComparedExample[], values: readonly unknown[]): Slice[] {
  const texts = values.map((value) =>
    value === null || value === undefined
      ? 'none'
      : typeof value === 'object'
        ? JSON.stringify(value)
        : String(value),
  );
  const kinds = new Map<string, ComparedExample[]>();
  for (const [k, one] of examples.entries()) {
    const text = texts[k] ?? 'none';
    const rows = kinds.get(text);
    if (rows) rows.push(one);
    else kinds.set(text, [one]);
  }
  if (kinds.size > MOST_VALUES && values.every((value) => typeof value === 'number')) {
    const numberOf = new Map(examples.map((one, k) => [one, values[k] as number]));
    return quarters(
      examples,
      (one) => numberOf.get(one) ?? 0,
      (low, high) => (low === high ? `${low}` : `${low} to ${high}`),
    );
  }
  const sorted = [...kinds].sort(([, a], [, b]) => b.length - a.length);
  const slices = sorted.slice(0, MOST_VALUES).map(([text, rows]) => sliceOf(text.slice(0, 80), rows));
  const rest = sorted.slice(MOST_VALUES).flatMap(([, rows]) => rows);
  return rest.length > 0 ? [...slices, sliceOf(`${sorted.length - MOST_VALUES} other values`, rest)] : slices;
}
