/** Builds the libraries of this host. */
import { join } from 'node:path';
import { CallbackService } from '../callbacks/service.ts';
import { DatasetService } from '../datasets/service.ts';
import { AllowedJudges } from '../judge/allowed.ts';
import { ModelLibrary } from '../models/library.ts';
import { MeasuredRuns } from '../runs/measured.ts';
import { SpecService } from '../spec/service.ts';

export interface Libraries {
  models: ModelLibrary;
  datasets: DatasetService;
  specs: SpecService;
  callbacks: CallbackService;
  judges: AllowedJudges;
}

export function createLibraries(home: string): Libraries {
  const models = new ModelLibrary(join(home, 'models'));
  const datasets = new DatasetService(home, async (id) => (await models.get(id)).path);
  const measured = new MeasuredRuns(home);
  const callbacks = new CallbackService(home);
  const judges = new AllowedJudges(home);
  const specs = new SpecService(datasets, (reference, base) => models.resolve(reference, base), {
    measuredRuns: () => measured.list(),
    callbacks,
    judges,
  });
  return { models, datasets, specs, callbacks, judges };
}
