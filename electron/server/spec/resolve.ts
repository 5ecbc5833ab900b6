/** A checked spec -> the spec of a run: absolute paths and a name. What spec.json holds. */
import { methodLabel } from '../../shared/spec/method-traits.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { absolutePath } from '../datasets/file-cache.ts';
import type { DatasetSource } from '../datasets/folder.ts';
import type { Found } from './context.ts';

const NAME_LENGTH = 120;

/** Rows of the library are read where they are; a data file is read again when the run starts. */
function datasetPath(reference: string, source: DatasetSource, base: string): string {
  return reference.startsWith('library:') ? source.rowsPath : absolutePath(reference, base);
}

/** "SmolLM2-135M on recipes, LoRA r16" */
export function runName(spec: RunSpec, modelName: string, datasetName: string): string {
  return `${modelName} on ${datasetName}, ${methodLabel(spec.method)}`.slice(0, NAME_LENGTH);
}

/** The method with the adapter it continues from by its absolute path. */
function resolveMethod(method: RunSpec['method'], base: string): RunSpec['method'] {
  if (!('init_adapter' in method) || method.init_adapter === null) return method;
  return { ...method, init_adapter: absolutePath(method.init_adapter, base) };
}

/** @param found model and training data must have been found. */
export function resolveSpec(
  spec: RunSpec,
  found: Pick<Found, 'eval' | 'sets'> & { model: NonNullable<Found['model']>; train: DatasetSource },
  base: string,
): RunSpec {
  const { dataset, evaluation } = spec;
  return {
    ...spec,
    name: spec.name.trim() || runName(spec, found.model.card.name, found.train.card.name),
    model: found.model.path,
    method: resolveMethod(spec.method, base),
    callbacks: spec.callbacks.map((path) => absolutePath(path, base)),
    dataset: {
      ...dataset,
      train: datasetPath(dataset.train, found.train, base),
      eval: dataset.eval === null || found.eval === null ? null : datasetPath(dataset.eval, found.eval, base),
    },
    evaluation: {
      ...evaluation,
      sets: evaluation.sets.map((set, k) => {
        const source = found.sets[k];
        return source ? { ...set, data: datasetPath(set.data, source, base) } : set;
      }),
    },
  };
}
