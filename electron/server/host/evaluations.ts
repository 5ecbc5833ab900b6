/** Handlers of evaluations that are asked for after a training. */
import { planEvaluation } from '../evaluation/plan.ts';
import { requireRank } from '../rank/rank.ts';
import type { AreaHandlers } from './handlers.ts';
import { forbiddenPaths } from './library.ts';
import { invalidSpec } from './runs.ts';
import type { Services } from './services.ts';

export function evaluationHandlers(services: Services): AreaHandlers<'evaluations'> {
  const { runs, statuses, specs, models, judges } = services;
  return {
    'evaluations.start': async (wish) => {
      requireRank();
      const modelName = 'model' in wish.of ? (await models.resolve(wish.of.model)).card.name : '';
      const { spec, evaluates } = planEvaluation(wish, runs, modelName);
      const forbidden = await forbiddenPaths(services, {
        evaluation: { sets: wish.sets ?? [] },
        model: modelPath(wish.of),
      });
      if (forbidden.length > 0) throw invalidSpec(forbidden, 'evaluation');
      const { issues, resolved } = await specs.validateEvaluation(spec, evaluates.held_out);
      if (!resolved) throw invalidSpec(issues, 'evaluation');
      requireRank(resolved.device);
      judges.require(resolved);
      const id = runs.create(resolved, { evaluates });
      await runs.start(id);
      statuses.refresh();
      return { id };
    },
  };
}

const modelPath = (of: { model: string } | { run: string }) => ('model' in of ? of.model : undefined);
