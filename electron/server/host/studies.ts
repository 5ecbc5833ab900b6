/** Handlers of studies. */
import { requireRank } from '../rank/rank.ts';
import { StudyService } from '../studies/service.ts';
import type { AreaHandlers } from './handlers.ts';
import { validateSpec } from './library.ts';
import type { Services } from './services.ts';

export function studyHandlers(services: Services): AreaHandlers<'studies'> {
  const { home, runs, queue, compare, models, statuses } = services;
  const studies = new StudyService({
    ...{ home, runs, queue, compare },
    validate: (spec) => validateSpec(services, spec),
    modelFolder: async (reference) => (await models.resolve(reference, process.cwd())).path,
  });
  return {
    'studies.preview': async ({ study }) => (await studies.check(study)).preview,
    'studies.start': async ({ study }) => {
      requireRank();
      const { id, runs: made } = await studies.start(study);
      statuses.refresh();
      return { id, ids: made.map((run) => run.id) };
    },
    'studies.report': ({ id }) => studies.report(id),
  };
}
