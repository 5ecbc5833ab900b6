/** What can be chatted with: models, and the runs and checkpoints made from them. Pure. */
import type { ModelCard } from '../../../../electron/shared/api/entities.ts';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import type { RunDetail } from '../../store/runs.ts';
import { modelOfRun } from '../runs/run-view.ts';

export interface Option {
  value: string;
  label: string;
  /** The newest checkpoint by its name: what the run alone stands for as well. */
  newest?: boolean;
}

/** What a run made of its model, at one checkpoint; empty: the newest. */
export interface TunedTarget {
  runId: string;
  checkpoint: string;
}

/** `<run>` or `<run>@<checkpoint>`: in the address, and as the name of a column. Neither part may hold an @ or a comma. */
export const targetKey = ({ runId, checkpoint }: TunedTarget): string =>
  checkpoint === '' ? runId : `${runId}@${checkpoint}`;

/** Reads keys with commas between them. */
export const parseTargets = (text: string): TunedTarget[] =>
  [...new Set(text.split(',').filter(Boolean))].map((key) => {
    const [runId = '', checkpoint = ''] = key.split('@');
    return { runId, checkpoint };
  });

/** Runs of a model that have a checkpoint, newest first, each followed by its checkpoints. Values are keys of targets. */
export function targetOptions(
  runs: Readonly<Record<string, RunStatus>> | null,
  details: Readonly<Record<string, RunDetail | undefined>>,
  models: readonly ModelCard[] | null,
  modelId: string,
): Option[] {
  return Object.values(runs ?? {})
    .filter((run) => {
      const detail = details[run.id];
      return (
        run.checkpoint !== null && detail && modelOfRun(detail, { models, datasets: null })?.id === modelId
      );
    })
    .sort((a, b) => b.createdAt.localeCompare(a.createdAt))
    .flatMap((run) => [
      { value: run.id, label: run.name },
      ...[...(details[run.id]?.checkpoints ?? [])]
        .sort((a, b) => b.step - a.step)
        .map(({ name, step }, i) => ({
          value: targetKey({ runId: run.id, checkpoint: name }),
          label: `${run.name}, step ${step}`,
          newest: i === 0,
        })),
    ]);
}
