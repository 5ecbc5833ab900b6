/** The evaluated rows of two groups side by side: who was better at which. */
import type { ComparedExample, ComparisonView, Examples } from '../../shared/runs/comparison.ts';
import type { DatasetSource } from '../datasets/folder.ts';
import { readBatches } from '../datasets/rows.ts';
import { type JoinedRow, joinRows, readRecord } from './examples.ts';
import type { RunFacts } from './facts.ts';
import type { Group } from './settings.ts';
import { slicesByColumn, slicesByLength } from './slices.ts';

/** Opens the dataset that a resolved spec names. */
export type OpenDataset = (reference: string) => Promise<DatasetSource>;

/** Differences of rounding are no win. */
const TIE = 1e-6;

export interface ExampleWish {
  record: ComparisonView['record'];
  /** A column of the dataset to slice by; null: the length. */
  slice: string | null;
}

export async function exampleReport(
  [base, other]: readonly [Group, Group],
  wish: ExampleWish,
  open: OpenDataset,
): Promise<Examples> {
  const records = [base, other].map(({ runs }) =>
    runs.map(({ dir }) => readRecord(dir, wish.record)).filter((one) => one !== null),
  );
  const joined = joinRows(records[0] ?? [], records[1] ?? []);
  const none = { won: 0, lost: 0, tied: 0, examples: [], slices: [], columns: [] };
  if (joined.rows.length === 0)
    return {
      ...none,
      problem:
        'They have no evaluated row in common, or one of them has no per-example record (older runs have none).',
    };
  const examples = joined.rows.map(exampleOf);
  const count = (outcome: ComparedExample['outcome']) =>
    examples.filter((one) => one.outcome === outcome).length;
  const source = await datasetOf(base.runs[0], open);
  const columns = source?.card.columns.map(({ name }) => name) ?? [];
  const slices =
    wish.slice !== null && source && columns.includes(wish.slice)
      ? slicesByColumn(examples, await columnOf(source, wish.slice, joined.rows))
      : slicesByLength(examples);
  return {
    problem: null,
    won: count('won'),
    lost: count('lost'),
    tied: count('tied'),
    examples,
    slices,
    columns,
  };
}

function exampleOf({ about, baseline, candidate }: JoinedRow): ComparedExample {
  const [a, b] = [baseline.loss / baseline.targets, candidate.loss / candidate.targets];
  return {
    id: about.id,
    conversation: about.conversation,
    messages: about.messages,
    tokens: about.tokens,
    baseline: a,
    candidate: b,
    outcome: Math.abs(a - b) <= TIE * Math.max(a, b) ? 'tied' : b < a ? 'won' : 'lost',
  };
}

/** null: it is gone, so its columns are, too. */
async function datasetOf(run: RunFacts | undefined, open: OpenDataset): Promise<DatasetSource | null> {
  const reference = run?.spec && (run.spec.dataset.eval ?? run.spec.dataset.train);
  if (!reference) return null;
  return open(reference).catch(() => null);
}

/** Its value in the row that each example was made of. */
async function columnOf(
  { rowsPath }: DatasetSource,
  column: string,
  rows: readonly JoinedRow[],
): Promise<unknown[]> {
  const places = new Map(rows.map(({ about }, k) => [about.source_row, k]));
  const values = new Array<unknown>(rows.length).fill(null);
  await readBatches(rowsPath, [column], async (batch, first) => {
    for (const [k, row] of batch.entries()) {
      const place = places.get(first + k);
      if (place !== undefined) values[place] = row[column];
    }
  });
  return values;
}
