/** A checked spec -> the spec of a run: absolute paths and a name. What spec.json holds. */
import type { RunSpec } from '../../shared/run-spec.ts';
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
  const method = spec.method.type === 'lora' ? `LoRA r${spec.method.rank}` : 'full';
  return `${modelName} on ${datasetName}, ${method}`.slice(0, NAME_LENGTH);
}

/** @param found model and training data must have been found. */
export function resolveSpec(
  spec: RunSpec,
  found: Pick<Found, 'eval'> & { model: NonNullable<Found['model']>; train: DatasetSource },
  base: string,
): RunSpec {
  const { dataset } = spec;
  return {
    ...spec,
    name: spec.name.trim() || runName(spec, found.model.card.name, found.train.card.name),
    model: found.model.path,
    dataset: {
      ...dataset,
      train: datasetPath(dataset.train, found.train, base),
      eval: dataset.eval === null || found.eval === null ? null : datasetPath(dataset.eval, found.eval, base),
    },
  };
}
