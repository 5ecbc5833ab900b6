/** Which settings explain a result: a random forest over the settings that differ, and plain correlation. Pure. */
import { RandomForestRegression } from 'ml-random-forest';
import { sampleCorrelation } from 'simple-statistics';
import type { Importance } from '../../shared/runs/comparison.ts';
import { specFields, specValue } from '../../shared/spec/spec-fields.ts';
import { uniform } from '../../shared/spec/uniform.ts';
import type { RunFacts } from './facts.ts';

export const FEW_RUNS = 20;
const FEWEST_RUNS = 4;
const TREES = 60;

interface Column {
  path: string;
  title: string;
  values: number[];
  numeric: boolean;
}

/** A setting as numbers: rates by their logarithm, what is no number by the place among its values. */
function columnOf(path: string, title: string, raw: readonly unknown[]): Column | null {
  const texts = raw.map((value) => JSON.stringify(value ?? null));
  const kinds = [...new Set(texts)].sort();
  if (kinds.length < 2) return null;
  if (!raw.every((value) => typeof value === 'number'))
    return { path, title, values: texts.map((one) => kinds.indexOf(one)), numeric: false };
  const numbers = raw as number[];
  const wide = Math.min(...numbers) > 0 && Math.max(...numbers) / Math.min(...numbers) >= 10;
  return { path, title, values: wide ? numbers.map(Math.log) : [...numbers], numeric: true };
}

/** `results` in the order of the runs; runs without a spec or a result are left out. */
export function importanceOf(runs: readonly RunFacts[], results: readonly (number | null)[]): Importance {
  const used = runs.flatMap((run, k) =>
    run.spec && results[k] != null ? [{ spec: run.spec, y: results[k] as number }] : [],
  );
  const seen = new Set<string>(['name']);
  const columns: Column[] = [];
  for (const { path, meta, key } of specFields()) {
    if (seen.has(path)) continue;
    seen.add(path);
    const column = columnOf(
      path,
      meta.title || key,
      used.map(({ spec }) => specValue(spec, path)),
    );
    if (column) columns.push(column);
  }
  const y = used.map((one) => one.y);
  const constant = new Set(y).size < 2;
  if (used.length < FEWEST_RUNS || columns.length === 0 || constant)
    return {
      runs: used.length,
      warning: 'Importance needs at least four runs that differ in a setting and in the result.',
      settings: [],
    };
  const shares = forestShares(columns, y);
  return {
    runs: used.length,
    warning:
      used.length < FEW_RUNS
        ? `Only ${used.length} runs: below ${FEW_RUNS}, importance is a hint at most.`
        : null,
    settings: columns
      .map((column, k) => ({
        path: column.path,
        title: column.title,
        importance: shares[k] ?? 0,
        correlation: column.numeric ? sampleCorrelation(column.values, y) : null,
      }))
      .sort((a, b) => b.importance - a.importance),
  };
}

/** How much worse the forest predicts when one column is shuffled, as shares of all. */
function forestShares(columns: readonly Column[], y: number[]): number[] {
  const table = y.map((_, row) => columns.map(({ values }) => values[row] as number));
  const forest = new RandomForestRegression({
    seed: 1,
    maxFeatures: 1.0,
    replacement: true,
    nEstimators: TREES,
    selectionMethod: 'mean',
    useSampleBagging: true,
    noOOB: true,
    treeOptions: { minNumSamples: 2 },
  });
  forest.train(table, y);
  const error = (rows: number[][]) =>
    (forest.predict(rows) as number[]).reduce((sum, guess, k) => sum + (guess - (y[k] as number)) ** 2, 0);
  const plain = error(table);
  const next = uniform(3);
  const losses = columns.map((_, k) => {
    let worse = 0;
    for (let round = 0; round < 10; round += 1) {
      const order = y.map((__, row) => ({ row, key: next() })).sort((a, b) => a.key - b.key);
      const shuffled = table.map((row, i) =>
        row.map((value, j) => (j === k ? (table[order[i]?.row ?? i]?.[k] ?? value) : value)),
      );
      worse += Math.max(0, error(shuffled) - plain);
    }
    return worse;
  });
  const all = losses.reduce((a, b) => a + b, 0);
  return losses.map((loss) => (all === 0 ? 0 : loss / all));
}
