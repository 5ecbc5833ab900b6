/** Rows of the run list: what is searched and filtered. Pure. */
import type { RunState, RunStatus } from '../../../../electron/shared/runs/events.ts';
import type { RunSpec } from '../../../../electron/shared/spec/run-spec.ts';
import { datasetName, isLive, type Library, methodName, modelName } from './run-view.ts';

export interface RunRow {
  run: RunStatus;
  name: string;
  /** Empty until the spec is known. */
  model: string;
  dataset: string;
  method: string;
}

export type RunFilter = 'all' | 'live' | 'completed' | 'stopped' | 'failed';

export function runRows(
  runs: Readonly<Record<string, RunStatus>>,
  details: Readonly<Record<string, { spec: RunSpec } | undefined>>,
  library: Library,
): RunRow[] {
  return Object.values(runs).map((run) => {
    const spec = details[run.id]?.spec;
    return {
      run,
      name: run.name,
      model: spec ? modelName(spec, library) : '',
      dataset: spec ? datasetName(spec, library) : '',
      method: spec ? methodName(spec) : '',
    };
  });
}

const passes = (state: RunState, filter: RunFilter) =>
  filter === 'all' || (filter === 'live' ? isLive(state) : state === filter);

/** Every word must occur somewhere in the row. */
export function filterRows(rows: readonly RunRow[], filter: RunFilter, search: string): RunRow[] {
  const words = search.toLowerCase().split(/\s+/).filter(Boolean);
  return rows.filter((row) => {
    if (!passes(row.run.state, filter)) return false;
    const text = [row.name, row.run.id, row.model, row.dataset, row.method].join(' ').toLowerCase();
    return words.every((word) => text.includes(word));
  });
}
