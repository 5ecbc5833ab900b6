/** Builds the libraries of this host. */
import { join } from 'node:path';
import { DatasetService } from '../datasets/service.ts';
import { ModelLibrary } from '../models/library.ts';
import { MeasuredRuns } from '../runs/measured.ts';
import { SpecService } from '../spec/service.ts';

export interface Libraries {
  models: ModelLibrary;
  datasets: DatasetService;
  specs: SpecService;
}

export function createLibraries(home: string): Libraries {
  const models = new ModelLibrary(join(home, 'models'));
  const datasets = new DatasetService(home, async (id) => (await models.get(id)).path);
  const measured = new MeasuredRuns(home);
  const specs = new SpecService(datasets, (reference, base) => models.resolve(reference, base), {
    measuredRuns: () => measured.list(),
  });
  return { models, datasets, specs };
}
