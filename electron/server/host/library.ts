/** Handlers of models, datasets, presets and spec validation. */
import { basename } from 'node:path';
import type { AreaHandlers } from './handlers.ts';
import type { Services } from './services.ts';

export function modelHandlers({ models, jobs, confine }: Services): AreaHandlers<'models'> {
  return {
    'models.list': () => models.list(),
    'models.get': ({ id }) => models.get(id),
    'models.import': async ({ path, name }) => {
      const allowed = await confine(path);
      const job = jobs.start('model.import', `Import ${basename(allowed)}`, (context) =>
        models.import(allowed, name, context),
      );
      return { jobId: job.id };
    },
    'models.remove': async ({ id }) => {
      await models.remove(id);
      return {};
    },
  };
}

export function datasetHandlers({ datasets, jobs, confine }: Services): AreaHandlers<'datasets'> {
  return {
    'datasets.list': () => datasets.list(),
    'datasets.get': ({ id }) => datasets.get(id),
    'datasets.import': async ({ path, name }) => {
      const allowed = await confine(path);
      const job = jobs.start('dataset.import', `Import ${basename(allowed)}`, (context) =>
        datasets.import(allowed, name, context),
      );
      return { jobId: job.id };
    },
    'datasets.rows': (params) => datasets.rows(params),
    'datasets.setMapping': ({ id, mapping }) => datasets.setMapping(id, mapping),
    'datasets.tokenize': (params) => datasets.tokenize(params),
    'datasets.stats': async (params) => {
      const card = await datasets.get(params.datasetId);
      const job = jobs.start('dataset.stats', `Count tokens of ${card.name}`, (context) =>
        datasets.stats(params, context),
      );
      return { jobId: job.id };
    },
    'datasets.remove': async ({ id }) => {
      await datasets.remove(id);
      return {};
    },
  };
}

export function specHandlers({ specs }: Services): AreaHandlers<'spec'> & AreaHandlers<'presets'> {
  return {
    'presets.list': () => specs.presets(),
    'spec.validate': ({ spec }) => specs.validate(spec),
  };
}
