/** The way from nothing to a tuned model, with what is already done. Pure. */
import type { DatasetCard, ModelCard } from '../../../../electron/shared/api/entities.ts';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';

export interface GuideStep {
  title: string;
  text: string;
  href: string;
  action: string;
  done: boolean;
}

export function guideSteps(
  models: readonly ModelCard[] | null,
  datasets: readonly DatasetCard[] | null,
  runs: Readonly<Record<string, RunStatus>> | null,
): GuideStep[] {
  const all = Object.values(runs ?? {});
  return [
    {
      title: 'Import a model',
      text: 'A Hugging Face folder or a GGUF file. It is the starting point; it is never changed.',
      href: '#/models',
      action: 'Models',
      done: (models?.length ?? 0) > 0,
    },
    {
      title: 'Import a dataset',
      text: 'Questions with the answers you want, as JSONL, JSON, CSV or Parquet. See each row as the model will.',
      href: '#/datasets',
      action: 'Datasets',
      done: (datasets?.length ?? 0) > 0,
    },
    {
      title: 'Compose a run',
      text: 'Choose both, keep the defaults or a preset, see whether it fits into memory, and press Start.',
      href: '#/compose',
      action: 'Compose',
      done: all.length > 0,
    },
    {
      title: 'Watch, chat, export',
      text: 'Follow the loss, talk to the base and the tuned model side by side, and export the adapter.',
      href: '#/runs',
      action: 'Runs',
      done: all.some((run) => run.state === 'completed' || run.checkpoint !== null),
    },
  ];
}

/** The newest runs, live ones first. */
export function recentRuns(runs: Readonly<Record<string, RunStatus>> | null, count: number): RunStatus[] {
  const rank = (run: RunStatus) => (run.finishedAt === null && run.startedAt !== null ? 0 : 1);
  return Object.values(runs ?? {})
    .sort((a, b) => rank(a) - rank(b) || b.createdAt.localeCompare(a.createdAt))
    .slice(0, count);
}
