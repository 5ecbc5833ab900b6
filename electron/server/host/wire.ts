/** Builds the libraries of this host. */
import { CollieError } from '../../shared/errors.ts';
import type { DatasetsPart, ModelsPart, SpecsPart } from './parts.ts';

const missing = async (): Promise<never> => {
  throw new CollieError('setup.failed', 'This part of the host is not there yet.');
};

export function parts(_home: string): { models: ModelsPart; datasets: DatasetsPart; specs: SpecsPart } {
  return {
    models: { list: async () => [], get: missing, import: missing, remove: missing },
    datasets: {
      list: async () => [],
      get: missing,
      import: missing,
      rows: missing,
      setMapping: missing,
      tokenize: missing,
      stats: missing,
      remove: missing,
    },
    specs: { validate: missing, presets: async () => [] },
  };
}
