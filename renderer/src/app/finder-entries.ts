/** What Ctrl+K finds: pages, actions, runs, models and datasets, by the words in their names. Pure. */
import type { DatasetCard, ModelCard } from '../../../electron/shared/api/entities.ts';
import type { RunStatus } from '../../../electron/shared/runs/events.ts';
import { stateLabel } from '../features/runs/RunStateBadge.tsx';
import { allPlaces } from './places.ts';
import { href } from './route.ts';

export type FinderKind = 'page' | 'action' | 'run' | 'model' | 'dataset';

export interface FinderEntry {
  readonly id: string;
  readonly kind: FinderKind;
  readonly label: string;
  readonly description: string;
  /** Found by, but not shown. */
  readonly words: string;
  /** An address, or the name of an action (`FinderActions`). */
  readonly to: string;
}

export interface FinderGroup {
  readonly kind: FinderKind;
  readonly title: string;
  readonly entries: readonly FinderEntry[];
  /** Matches that are not shown. */
  readonly more: number;
}

export const finderActions = {
  'import-model': { label: 'Import a model', words: 'add gguf hugging face folder' },
  'import-dataset': { label: 'Import a dataset', words: 'add data file rows csv jsonl parquet' },
  'scheme-light': { label: 'Light colours', words: 'theme mode appearance' },
  'scheme-dark': { label: 'Dark colours', words: 'theme mode appearance night' },
  'scheme-auto': { label: 'Colours like the system', words: 'theme mode appearance' },
} as const;
export type FinderAction = keyof typeof finderActions;

const titles: Record<FinderKind, string> = {
  page: 'Pages',
  action: 'Actions',
  run: 'Runs',
  model: 'Models',
  dataset: 'Datasets',
};
/** Entries of a group that are shown: without a query only a glance at each. */
const MOST = { empty: 5, found: 12 };

export interface FinderLibrary {
  readonly runs: Readonly<Record<string, RunStatus>> | null;
  readonly models: readonly ModelCard[] | null;
  readonly datasets: readonly DatasetCard[] | null;
}

function everything({ runs, models, datasets }: FinderLibrary): FinderEntry[] {
  const pages = allPlaces.map(({ part, label, words }) => ({
    id: `page ${part}`,
    kind: 'page' as const,
    label,
    description: '',
    words,
    to: href(...(part ? [part] : [])),
  }));
  const actions = Object.entries(finderActions).map(([id, { label, words }]) => ({
    id: `action ${id}`,
    kind: 'action' as const,
    label,
    description: '',
    words,
    to: id,
  }));
  const newest = Object.values(runs ?? {}).sort((a, b) => b.createdAt.localeCompare(a.createdAt));
  return [
    ...pages,
    ...newest.map((run) => ({
      id: `run ${run.id}`,
      kind: 'run' as const,
      label: run.name,
      description: `${stateLabel(run.state)}, step ${run.step}${run.totalSteps === null ? '' : ` of ${run.totalSteps}`}`,
      words: run.id,
      to: href('runs', run.id),
    })),
    ...(models ?? []).map((model) => ({
      id: `model ${model.id}`,
      kind: 'model' as const,
      label: model.name,
      description: model.source,
      words: `${model.family} ${model.architecture}`,
      to: href('models', model.id),
    })),
    ...(datasets ?? []).map((dataset) => ({
      id: `dataset ${dataset.id}`,
      kind: 'dataset' as const,
      label: dataset.name,
      description: dataset.source,
      words: dataset.columns.map(({ name }) => name).join(' '),
      to: href('datasets', dataset.id),
    })),
    ...actions,
  ];
}

const kinds: readonly FinderKind[] = ['page', 'run', 'model', 'dataset', 'action'];

/** Entries that hold every word of the query, those whose name begins with it first. */
export function find(query: string, library: FinderLibrary): FinderGroup[] {
  const wanted = query.trim().toLowerCase();
  const words = wanted.split(/\s+/).filter(Boolean);
  const rank = (entry: FinderEntry): number | null => {
    const label = entry.label.toLowerCase();
    const text = `${label} ${entry.description} ${entry.words}`.toLowerCase();
    if (!words.every((word) => text.includes(word))) return null;
    return label.startsWith(wanted) ? 0 : words.every((word) => label.includes(word)) ? 1 : 2;
  };
  const matches = everything(library).flatMap((entry) => {
    const at = rank(entry);
    return at === null ? [] : [{ entry, at }];
  });
  const most = words.length === 0 ? MOST.empty : MOST.found;
  return kinds.flatMap((kind) => {
    const own = matches.filter(({ entry }) => entry.kind === kind).sort((a, b) => a.at - b.at);
    // Without a query all pages are shown: they are the map.
    const shown = kind === 'page' ? own : own.slice(0, most);
    if (shown.length === 0) return [];
    return [
      {
        kind,
        title: titles[kind],
        entries: shown.map(({ entry }) => entry),
        more: own.length - shown.length,
      },
    ];
  });
}
