/** The evaluated rows of two groups side by side, by set and metric: who was better at which, and what each made of it. */
import { CollieError } from '../../shared/errors.ts';
import type {
  ComparedExample,
  ExampleSummary,
  Examples,
  OpenedExample,
  RowMetric,
  RowOutput,
} from '../../shared/runs/compared-examples.ts';
import { DEFAULT_SET } from '../../shared/runs/event-line.ts';
import type { DatasetSource } from '../datasets/folder.ts';
import { readBatches } from '../datasets/rows.ts';
import { asked, expectedOf } from '../evaluation/row-records.ts';
import { type Contest, type Prepared, prepare, recordOf, type Side } from './comparable.ts';
import { evaluationOf, type Sides, setsOf } from './contests.ts';
import type { JoinedRow } from './examples.ts';
import type { RunFacts } from './facts.ts';
import { type Measure, type ValuedRow, valuedRows } from './measures.ts';
import type { Group } from './settings.ts';
import { slicesByColumn, slicesByLength } from './slices.ts';

/** Opens the dataset that a resolved spec names. */
export type OpenDataset = (reference: string) => Promise<DatasetSource>;

/** Differences of rounding are no win. */
const TIE = 1e-6;

export interface ExampleWish {
  /** Empty: the first that can be compared. */
  set: string;
  /** Empty: the telling one of the set. */
  metric: string;
  /** A column of the dataset to slice by; null: the length. */
  slice: string | null;
}

type Pair = readonly [Group, Group];

export async function exampleReport(
  pair: Pair,
  wish: ExampleWish,
  sides: Sides,
  open: OpenDataset,
): Promise<Examples> {
  const sets = setsOf(pair);
  const { set, prepared } = chosenSet(pair, wish.set, sets, sides);
  const metrics = metricsOf(prepared);
  const measure = metrics.find(({ metric }) => metric === wish.metric) ?? metrics[0];
  const examples = measure ? valuedRows(prepared.rows, measure).map((row) => exampleOf(row, measure)) : [];
  const about = { sets, set, metrics: metrics.map(rowMetric), metric: measure ? rowMetric(measure) : null };
  const none = { ...tally([]), examples: [], slices: [], columns: [] };
  if (!measure || examples.length === 0) {
    const why = prepared.refused ?? 'No row has a value in both.';
    return { ...about, ...none, notes: [], problem: sentence(why) };
  }
  const source = await datasetOf(pair[0].runs[0], set, open);
  const columns = source?.card.columns.map(({ name }) => name) ?? [];
  const slices =
    wish.slice !== null && source && columns.includes(wish.slice)
      ? slicesByColumn(examples, await columnOf(source, wish.slice, prepared.rows, examples))
      : slicesByLength(examples);
  return { ...about, problem: null, notes: notesOf(prepared), ...tally(examples), examples, slices, columns };
}

/** One row with all its outputs. Throws run.not_found where they have no such row in common. */
export function openedExample(pair: Pair, set: string, id: string, sides: Sides): OpenedExample {
  const contest = sides.contest(...pair, set);
  const prepared = prepare(contest);
  const row = prepared.rows.find(({ about }) => about.id === id);
  if (!row)
    throw new CollieError(
      'run.not_found',
      `The row ${id} of "${set}" is not in both runs.`,
      'Read the rows again: the runs may have evaluated since.',
      { id, set },
    );
  return opened(row, contest, pair, metricsOf(prepared));
}

/** `most` rows that were won by most and as many that were lost are opened. */
export function exampleSummary(pair: Pair, set: string, most: number, sides: Sides): ExampleSummary {
  const contest = sides.contest(...pair, set);
  const prepared = prepare(contest);
  const { candidate } = contest;
  const metrics = metricsOf(prepared).flatMap((measure) => {
    const rows = valuedRows(prepared.rows, measure).map((row) => ({
      row: row.row,
      example: exampleOf(row, measure),
    }));
    return rows.length > 0 ? [{ measure, rows }] : [];
  });
  const [first] = metrics;
  if (!first)
    return {
      candidate,
      set,
      problem: sentence(prepared.refused ?? 'No row has a value in both.'),
      notes: [],
      metrics: [],
      slices: [],
      rows: [],
    };
  const { measure } = first;
  const telling = (['won', 'lost'] as const).flatMap((outcome) =>
    first.rows
      .filter(({ example }) => example.outcome === outcome)
      .sort((a, b) => sizeOf(b.example) - sizeOf(a.example))
      .slice(0, most)
      .map(({ row }) => ({ ...opened(row, contest, pair, [measure]), outcome })),
  );
  return {
    candidate,
    set,
    problem: null,
    notes: notesOf(prepared),
    metrics: metrics.map(({ measure, rows }) => ({
      ...rowMetric(measure),
      rows: rows.length,
      ...tally(rows.map(({ example }) => example)),
    })),
    slices: slicesByLength(first.rows.map(({ example }) => example)),
    rows: telling,
  };
}

function chosenSet(
  pair: Pair,
  wish: string,
  sets: readonly string[],
  sides: Sides,
): { set: string; prepared: Prepared } {
  const at = (set: string) => ({ set, prepared: prepare(sides.contest(...pair, set)) });
  if (sets.includes(wish)) return at(wish);
  for (const set of sets) {
    const found = at(set);
    if (found.prepared.rows.length > 0) return found;
  }
  return at(sets[0] ?? DEFAULT_SET);
}

/** Those that some row has a value of. */
const metricsOf = ({ rows, measures }: Prepared): Measure[] =>
  measures.filter((measure) => valuedRows(rows, measure).length > 0);

const rowMetric = ({ metric, title, unit, better }: Measure): RowMetric => ({
  name: metric,
  title,
  unit,
  better,
});

const sentence = (text: string) =>
  `${text.charAt(0).toUpperCase()}${text.slice(1)}${text.endsWith('.') ? '' : '.'}`;

/** Rows can be looked at even where the two cannot be compared by them. */
const notesOf = ({ refused, notes }: Prepared): string[] =>
  refused === null ? notes : [`These rows are no verdict: ${refused}.`, ...notes];

const sizeOf = ({ baseline, candidate }: ComparedExample) => Math.abs(candidate - baseline);

function tally(examples: readonly ComparedExample[]): { won: number; lost: number; tied: number } {
  const count = (outcome: ComparedExample['outcome']) =>
    examples.filter((one) => one.outcome === outcome).length;
  return { won: count('won'), lost: count('lost'), tied: count('tied') };
}

function exampleOf({ row: { about }, baseline, candidate }: ValuedRow, { better }: Measure): ComparedExample {
  const [a, b] = [baseline.value / baseline.weight, candidate.value / candidate.weight];
  return {
    id: about.id,
    conversation: about.conversation,
    messages: about.messages,
    tokens: about.tokens,
    baseline: a,
    candidate: b,
    outcome:
      Math.abs(a - b) <= TIE * Math.max(Math.abs(a), Math.abs(b))
        ? 'tied'
        : b < a === (better === 'lower')
          ? 'won'
          : 'lost',
  };
}

function opened(
  { about }: JoinedRow,
  contest: Contest,
  [base, other]: Pair,
  metrics: readonly Measure[],
): OpenedExample {
  const outputs = (sides: readonly Side[], { runs }: Group) =>
    sides.flatMap((side, k): RowOutput[] => {
      const record = recordOf(side);
      const row = record?.rows.get(about.id);
      if (!record || !row) return [];
      const scores = metrics.flatMap((measure) => {
        const found = measure.of(row);
        return found ? [[measure.metric, found.value / found.weight] as const] : [];
      });
      return [
        {
          run: side.id,
          name: runs[k]?.status.name ?? side.id,
          step: record.step,
          answers: row.answers ?? [],
          chosen: row.chosen === undefined ? null : (row.about.labels?.[row.chosen] ?? null),
          probability: row.probability ?? null,
          scores: Object.fromEntries(scores),
        },
      ];
    });
  return {
    id: about.id,
    messages: asked(about),
    expected: expectedOf(about),
    metrics: metrics.map(rowMetric),
    baseline: outputs(contest.baselineRuns, base),
    candidate: outputs(contest.candidateRuns, other),
  };
}

/** null: it is gone, so its columns are, too. */
async function datasetOf(
  run: RunFacts | undefined,
  set: string,
  open: OpenDataset,
): Promise<DatasetSource | null> {
  if (!run?.spec) return null;
  const { dataset } = run.spec;
  const reference = set === DEFAULT_SET ? (dataset.eval ?? dataset.train) : evaluationOf(run, set)?.data;
  return reference === undefined ? null : open(reference).catch(() => null);
}

/** Its value in the row that each example was made of. */
async function columnOf(
  { rowsPath }: DatasetSource,
  column: string,
  rows: readonly JoinedRow[],
  examples: readonly ComparedExample[],
): Promise<unknown[]> {
  const sources = new Map(rows.map(({ about }) => [about.id, about.source_row]));
  const places = new Map(examples.map(({ id }, k) => [sources.get(id), k]));
  const values = new Array<unknown>(examples.length).fill(null);
  await readBatches(rowsPath, [column], async (batch, first) => {
    for (const [k, row] of batch.entries()) {
      const place = places.get(first + k);
      if (place !== undefined) values[place] = row[column];
    }
  });
  return values;
}
