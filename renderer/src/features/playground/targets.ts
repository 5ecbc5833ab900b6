/** What can be chatted with: models, and the runs and checkpoints made from them. Pure. */
import type { ModelCard } from '../../../../electron/shared/entities.ts';
import type { RunStatus } from '../../../../electron/shared/events.ts';
import type { RunDetail } from '../../store/runs.ts';
import { modelOf } from '../runs/run-view.ts';

export interface Option {
  value: string;
  label: string;
}

/** Runs of a model that have a checkpoint, newest first. */
export function runOptions(
  runs: Readonly<Record<string, RunStatus>> | null,
  details: Readonly<Record<string, RunDetail | undefined>>,
  models: readonly ModelCard[] | null,
  modelId: string,
): Option[] {
  return Object.values(runs ?? {})
    .filter((run) => {
      const spec = details[run.id]?.spec;
      return run.checkpoint !== null && spec && modelOf(spec, { models, datasets: null })?.id === modelId;
    })
    .sort((a, b) => b.createdAt.localeCompare(a.createdAt))
    .map((run) => ({ value: run.id, label: run.name }));
}

export const NEWEST = 'newest';

export function checkpointOptions(detail: RunDetail | undefined): Option[] {
  const known = [...(detail?.checkpoints ?? [])].sort((a, b) => b.step - a.step);
  return [
    { value: NEWEST, label: 'Newest checkpoint' },
    ...known.map((c) => ({ value: c.name, label: `Step ${c.step}` })),
  ];
}
