/** What lists and headers say about a run, from its status, its spec and the library. Pure. */
import type { DatasetCard, ModelCard } from '../../../../electron/shared/api/entities.ts';
import {
  liveStates,
  PAUSED,
  type RunState,
  type RunStatus,
} from '../../../../electron/shared/runs/events.ts';
import { methodLabel } from '../../../../electron/shared/spec/method-traits.ts';
import type { RunSpec } from '../../../../electron/shared/spec/run-spec.ts';
import { elapsedSeconds } from '../../charts/format.ts';
import type { Draft } from '../../store/draft.ts';
import type { RunDetail } from '../../store/runs.ts';

export const isLive = (state: RunState): boolean => liveStates.includes(state);

export interface Library {
  models: readonly ModelCard[] | null;
  datasets: readonly DatasetCard[] | null;
}

const LIBRARY = 'library:';
const lastPart = (path: string) => path.split(/[\\/]/).filter(Boolean).at(-1) ?? path;

/** The library's model that a spec means (by reference, or by its folder once resolved). */
export function modelOf(spec: Pick<RunSpec, 'model'>, { models }: Library): ModelCard | null {
  return models?.find((m) => spec.model === LIBRARY + m.id || spec.model === m.path) ?? null;
}

/** The library's model that a run was trained on: also when its folder is reached by another path, or has been moved. */
export const modelOfRun = ({ spec, modelId }: RunDetail, library: Library): ModelCard | null =>
  modelOf(spec, library) ?? library.models?.find(({ id }) => id === modelId) ?? null;

/** The library's dataset that `source` means: a reference, or a file inside `datasets/<id>/`, or where it came from. */
export function datasetOf(source: string, { datasets }: Library): DatasetCard | null {
  const parts = source.split(/[\\/]/);
  const place = parts.lastIndexOf('datasets');
  const id = place >= 0 ? parts[place + 1] : undefined;
  return datasets?.find((d) => source === LIBRARY + d.id || id === d.id || source === d.source) ?? null;
}

export const modelName = (spec: RunSpec, library: Library): string =>
  modelOf(spec, library)?.name ?? lastPart(spec.model.replace(LIBRARY, ''));

export const datasetName = (spec: RunSpec, library: Library): string =>
  datasetOf(spec.dataset.train, library)?.name ?? lastPart(spec.dataset.train.replace(LIBRARY, ''));

export const methodName = ({ method }: RunSpec): string => methodLabel(method);

/** Share of the training done, 0..1; null when the number of steps is not known yet. */
export function trainedShare({ step, totalSteps }: Pick<RunStatus, 'step' | 'totalSteps'>): number | null {
  return totalSteps === null || totalSteps <= 0 ? null : Math.min(1, step / totalSteps);
}

/** Seconds from the start to the end, or to `now` while it lives. */
export function runSeconds(status: RunStatus, now: number): number | null {
  return elapsedSeconds(status.startedAt, isLive(status.state) ? null : status.finishedAt, now);
}

/** A run that trains nothing: its evaluation has no steps. */
export const onlyEvaluates = ({ totalSteps }: Pick<RunStatus, 'totalSteps'>): boolean => totalSteps === 0;

export type RunAction =
  | 'stop'
  | 'save'
  | 'pause'
  | 'continue'
  | 'resume'
  | 'queue'
  | 'export'
  | 'chat'
  | 'evaluate'
  | 'remove';

/** What can be done to a run now. */
export function allowedActions(status: RunStatus): ReadonlySet<RunAction> {
  const allowed = new Set<RunAction>();
  const live = isLive(status.state);
  if (live && status.state !== 'stopping') allowed.add('stop');
  if (status.state === 'running' && !onlyEvaluates(status))
    allowed.add('save').add(status.phase === PAUSED ? 'continue' : 'pause');
  if (status.state === 'stopped' || status.state === 'failed') allowed.add('resume');
  if (allowed.has('resume') && !onlyEvaluates(status)) allowed.add('queue');
  if (status.checkpoint !== null) allowed.add('export').add('chat').add('evaluate');
  if (!live) allowed.add('remove');
  return allowed;
}

/** The spec as a draft for a new run: named anew, with paths of the library turned back into references. */
export function reusableDraft(spec: RunSpec, library: Library): Draft {
  const model = modelOf(spec, library);
  const ref = (source: string) => {
    const card = datasetOf(source, library);
    return card ? LIBRARY + card.id : source;
  };
  return structuredClone({
    ...spec,
    name: '',
    model: model ? LIBRARY + model.id : spec.model,
    dataset: {
      ...spec.dataset,
      train: ref(spec.dataset.train),
      eval: spec.dataset.eval === null ? null : ref(spec.dataset.eval),
    },
  });
}
