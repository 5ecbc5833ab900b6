/** Handlers of models, datasets, presets and spec validation. */
import { basename } from 'node:path';
import type { MethodResult } from '../../shared/api/api.ts';
import type { RunPreview } from '../../shared/api/entities.ts';
import { CollieError, toErrorInfo } from '../../shared/errors.ts';
import type { SpecIssue } from '../../shared/spec/run-spec.ts';
import { isLive } from '../runs/status.ts';
import type { AreaHandlers } from './handlers.ts';
import type { Services } from './services.ts';

export function modelHandlers({ models, specs, jobs, confine }: Services): AreaHandlers<'models'> {
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
    'models.fit': ({ id }) => specs.modelFit(`library:${id}`),
    'models.template': ({ id }) => models.template(id),
    'models.setTemplate': ({ id, text }) => models.setTemplate(id, text),
  };
}

export function datasetHandlers({ datasets, jobs, confine }: Services): AreaHandlers<'datasets'> {
  return {
    'datasets.list': () => datasets.list(),
    'datasets.get': ({ id }) => datasets.get(id),
    'datasets.preview': async ({ path, ...choices }) => {
      const allowed = await confine(path);
      const job = jobs.start('dataset.preview', `Look at ${basename(allowed)}`, (context) =>
        datasets.preview(allowed, context, choices),
      );
      return { jobId: job.id };
    },
    'datasets.import': async ({ path, name, ...choices }) => {
      const allowed = await confine(path);
      const job = jobs.start('dataset.import', `Import ${basename(allowed)}`, (context) =>
        datasets.import(allowed, name, context, choices),
      );
      return { jobId: job.id };
    },
    'datasets.rows': (params) => datasets.rows(params),
    'datasets.setMapping': ({ id, mapping }) => datasets.setMapping(id, mapping),
    'datasets.tokenize': (params) => datasets.tokenize(params),
    'datasets.stats': async (params) => {
      const card = await datasets.get(params.datasetId);
      const title = `Count tokens of ${card.name}`;
      const job = jobs.start('dataset.stats', title, (context) => datasets.stats(params, context), card.id);
      return { jobId: job.id };
    },
    'datasets.remove': async ({ id }) => {
      await datasets.remove(id);
      return {};
    },
  };
}

export function specHandlers(services: Services): AreaHandlers<'spec'> & AreaHandlers<'presets'> {
  return {
    'presets.list': () => services.specs.presets(),
    'spec.validate': ({ spec }) => validateSpec(services, spec),
    'spec.layouts': ({ spec, ranks }) => layoutsOf(services, spec, ranks),
  };
}

/** All issues together; paths that this client may not reach are issues too, and nothing of them is looked at. */
export async function validateSpec(
  services: Services,
  spec: unknown,
): Promise<MethodResult<'spec.validate'>> {
  const issues = await forbiddenPaths(services, spec);
  if (issues.length > 0) return { issues, resolved: null, preview: null };
  const validated = await services.specs.validate(spec);
  const { preview } = validated;
  const device = (spec as { device?: unknown }).device ?? 'cpu';
  return { ...validated, preview: preview && { ...preview, beside: liveOn(services, device) } };
}

/** Live runs on a device. A run whose spec cannot be read has its own trouble. */
function liveOn({ runs }: Services, device: unknown): RunPreview['beside'] {
  return runs
    .list()
    .filter(isLive)
    .flatMap(({ id, name, etaSeconds }) => {
      try {
        return runs.spec(id).device === device ? [{ id, name, etaSeconds }] : [];
      } catch {
        return [];
      }
    });
}

async function layoutsOf(
  services: Services,
  spec: unknown,
  ranks: number,
): Promise<MethodResult<'spec.layouts'>> {
  const [first, ...others] = await forbiddenPaths(services, spec);
  if (first)
    throw new CollieError('spec.invalid', first.message, first.suggestion ?? '', {
      issues: [first, ...others],
    });
  return services.specs.layouts(spec, ranks);
}

/** Paths in a spec that this client may not reach. */
export async function forbiddenPaths({ confine }: Services, spec: unknown): Promise<SpecIssue[]> {
  const { model, dataset, method, evaluation, callbacks } = (spec ?? {}) as {
    model?: unknown;
    dataset?: { train?: unknown; eval?: unknown };
    method?: { init_adapter?: unknown };
    evaluation?: { sets?: unknown };
    callbacks?: unknown;
  };
  const sets: unknown[] = Array.isArray(evaluation?.sets) ? evaluation.sets : [];
  const named: Record<string, unknown> = {
    model,
    'dataset.train': dataset?.train,
    'dataset.eval': dataset?.eval,
    'method.init_adapter': method?.init_adapter,
  };
  for (const [k, set] of sets.entries())
    named[`evaluation.sets.${k}.data`] = (set as { data?: unknown } | null)?.data;
  for (const [k, path] of (Array.isArray(callbacks) ? callbacks : []).entries())
    named[`callbacks.${k}`] = path;
  const issues: SpecIssue[] = [];
  for (const [path, value] of Object.entries(named)) {
    if (typeof value !== 'string' || value === '' || value.startsWith('library:')) continue;
    try {
      await confine(value);
    } catch (thrown) {
      const { code, message, hint } = toErrorInfo(thrown);
      issues.push({ path, code, message, received: value, suggestion: hint });
    }
  }
  return issues;
}
