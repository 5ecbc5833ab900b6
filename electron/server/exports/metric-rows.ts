/** All that was measured of a run, by where it comes from, as files of other tools have it. */
import { callbackOfSet } from '../../shared/runs/callbacks.ts';
import { DEFAULT_SET } from '../../shared/runs/event-line.ts';
import type { Points } from '../../shared/runs/points.ts';
import type { RunSeries } from '../../shared/runs/series.ts';

export interface MetricSource {
  /** train, eval, eval/<set>, callback/<name>, machine. */
  name: string;
  points: Points;
}

/** Those that have something. */
export function metricSources({ steps, evals, monitors }: RunSeries): MetricSource[] {
  const all = [
    { name: 'train', points: steps },
    ...Object.entries(evals).map(([set, points]) => ({ name: nameOf(set), points })),
    { name: 'machine', points: monitors },
  ];
  return all.filter(({ points }) => points.length > 0);
}

function nameOf(set: string): string {
  const callback = callbackOfSet(set);
  if (callback !== null) return `callback/${callback}`;
  return set === DEFAULT_SET ? 'eval' : `eval/${set}`;
}
