/** Builds the libraries of this host. */
import { join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import { DatasetService } from '../datasets/service.ts';
import { ModelLibrary } from '../models/library.ts';
import type { SpecsPart } from './parts.ts';

export interface Libraries {
  models: ModelLibrary;
  datasets: DatasetService;
  specs: SpecsPart;
}

const missing = async (): Promise<never> => {
  throw new CollieError('setup.failed', 'This part of the host is not there yet.');
};

export function createLibraries(home: string): Libraries {
  const models = new ModelLibrary(join(home, 'models'));
  const datasets = new DatasetService(home, async (id) => (await models.get(id)).path);
  return { models, datasets, specs: { validate: missing, presets: async () => [] } };
}
