/** Builds the libraries of this host. */
import { CollieError } from '../../shared/errors.ts';
import { DatasetService } from '../datasets/service.ts';
import type { DatasetsPart, ModelsPart, SpecsPart } from './parts.ts';

const missing = async (): Promise<never> => {
  throw new CollieError('setup.failed', 'This part of the host is not there yet.');
};

export function parts(home: string): { models: ModelsPart; datasets: DatasetsPart; specs: SpecsPart } {
  const models: ModelsPart = { list: async () => [], get: missing, import: missing, remove: missing };
  const datasets = new DatasetService(home, async (id) => (await models.get(id)).path);
  return { models, datasets, specs: { validate: missing, presets: async () => [] } };
}
