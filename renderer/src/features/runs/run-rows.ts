/** Rows of the run list: what is shown, searched, filtered and sorted. Pure. */
import type { RunSummary } from '../../../../electron/shared/api/entities.ts';
import type { RunState, RunStatus } from '../../../../electron/shared/runs/events.ts';
import { datasetName, isLive, type Library, methodName, modelName } from './run-view.ts';

export interface RunRow {
  run: RunStatus;
  /** null until it has come. */
  summary: RunSummary | null;
  name: string;
  /** Empty until the spec is known. */
  model: string;
  dataset: string;
  method: string;
  tags: readonly string[];
}

export type RunFilter = 'all' | 'live' | 'queued' | 'completed' | 'stopped' | 'failed';

/** Makes rows; a run whose status and summary are the same objects as before keeps its row, so that it need not be drawn again. */
export function rowMaker(): (
  runs: Readonly<Record<string, RunStatus>>,
  summaries: Readonly<Record<string, RunSummary | undefined>>,
  library: Library,
) => RunRow[] {
  let known = new Map<string, RunRow>();
  let before: Library | null = null;
  return (runs, summaries, library) => {
    const kept = library === before ? known : new Map<string, RunRow>();
    const rows = Object.values(runs).map((run) => {
      const summary = summaries[run.id] ?? null;
      const row = kept.get(run.id);
      return row?.run === run && row.summary === summary ? row : makeRow(run, summary, library);
    });
    known = new Map(rows.map((row) => [row.run.id, row]));
    before = library;
    return rows;
  };
}

function makeRow(run: RunStatus, summary: RunSummary | null, library: Library): RunRow {
  const spec = summary?.spec;
  return {
    run,
    summary,
    name: run.name,
    model: spec ? modelName(spec, library) : '',
    dataset: spec && !summary.evaluates ? datasetName(spec, library) : '',
    method: summary?.evaluates ? 'Evaluation' : spec ? methodName(spec) : '',
    tags: summary?.tags ?? [],
  };
}

const passes = (state: RunState, filter: RunFilter) =>
  filter === 'all' || (filter === 'live' ? isLive(state) : state === filter);

/** Every word must occur somewhere in the row; with tags, the row must have all of them. */
export function filterRows(
  rows: readonly RunRow[],
  filter: RunFilter,
  search: string,
  tags: readonly string[] = [],
): RunRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (!passes(row.run.state, filter) || !tags.every((tag) => row.tags.includes(tag))) return false;
    const text = [row.name, row.run.id, row.model, row.dataset, row.method, ...row.tags]
      .join(' ')
      .toLowerCase();
    return words.every((word) => text.includes(word));
  });
}

export interface Sorting {
  column: string;
  descending: boolean;
}

type SortValue = string | number | null;
const words = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });

/** By the value of a column; missing ones go last whichever way it is sorted, equal ones keep their order. */
export function sortRows<T>(rows: readonly T[], by: (row: T) => SortValue, descending: boolean): T[] {
  const keyed = rows.map((row) => ({ row, value: by(row) }));
  const missing = (value: SortValue) => value === null || value === '';
  keyed.sort(({ value: a }, { value: b }) => {
    if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
    const order =
      typeof a === 'number' && typeof b === 'number' ? a - b : words.compare(String(a), String(b));
    return descending ? -order : order;
  });
  return keyed.map(({ row }) => row);
}

/** The ids from one row to another, both included, in the order of the list: what shift adds to a selection. */
export function rangeOf(ids: readonly string[], from: string | null, to: string): string[] {
  const [a, b] = [from === null ? -1 : ids.indexOf(from), ids.indexOf(to)];
  return a < 0 ? [to] : ids.slice(Math.min(a, b), Math.max(a, b) + 1);
}
