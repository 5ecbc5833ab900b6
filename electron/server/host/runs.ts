/** Handlers of runs, jobs and exports. */
import { CollieError } from '../../shared/errors.ts';
import { DEFAULT_SET } from '../../shared/runs/event-line.ts';
import type { RunStatus } from '../../shared/runs/events.ts';
import type { RunChange } from '../../shared/runs/requests.ts';
import { worldSize } from '../../shared/spec/parallel-fields.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { listExports, planExport, runExport } from '../exports/exports.ts';
import { exportMetrics } from '../exports/metrics.ts';
import { modelOfRun } from '../models/of-run.ts';
import { requireRank } from '../rank/rank.ts';
import { readExamples, readHistory } from '../runs/examples.ts';
import { logPage } from '../runs/log.ts';
import { writeTags } from '../runs/tags.ts';
import { readTimeline } from '../runs/timeline.ts';
import type { AreaHandlers } from './handlers.ts';
import { validateSpec } from './library.ts';
import type { Services } from './services.ts';

export function runHandlers(services: Services): AreaHandlers<'runs'> {
  const { runs, statuses, summaries, series, models, queue, callbacks, judges, confine } = services;
  /** Shows the change to everyone who watches without waiting for the next look at the disk. */
  const changing = async (change: Promise<void> | void) => {
    await change;
    statuses.refresh();
    return {};
  };
  return {
    'runs.list': () => runs.list(),
    'runs.summaries': ({ ids }) => summaries.of(ids),
    'runs.sparklines': ({ ids }) => summaries.sparklines(ids),
    'runs.series': ({ id }) => series.encoded(runs.dir(id)),
    'runs.exportMetrics': async ({ id, format, out }) => {
      const runDir = runs.dir(id);
      const to = out === '' ? '' : await confine(out);
      return { path: await exportMetrics({ id, runDir, series: await series.get(runDir), format, out: to }) };
    },
    'runs.setTags': ({ id, tags }) => changing(writeTags(runs.dir(id), tags)),
    'runs.get': async ({ id }) => {
      const run = runs.get(id);
      return { ...run, modelId: await modelOfRun(run.path, run.spec.model, await models.folders()) };
    },
    'runs.timeline': ({ id, step }) => readTimeline(runs.dir(id), worldSize(runs.spec(id).parallel), step),
    'runs.examples': ({ id, ...wish }) => readExamples(runs.dir(id), runs.spec(id), wish),
    'runs.example': ({ id, set, row }) => readHistory(runs.dir(id), inSpec(runs.spec(id), set), row),
    'runs.start': async ({ spec }) => {
      // Before any folder is made and any text is tokenized.
      requireRank();
      const { issues, resolved } = await validateSpec(services, spec);
      if (!resolved) throw invalidSpec(issues);
      requireRank(resolved.device);
      await callbacks.require(resolved.callbacks);
      judges.require(resolved);
      const id = runs.create(resolved);
      await changing(runs.start(id));
      return { id };
    },
    'runs.stop': ({ id }) => changing(runs.stop(id)),
    'runs.request': ({ id, request }) => changing(runs.control(id, { command: request })),
    'runs.change': ({ id, ...change }) => {
      checkChange(runs.get(id).status, change);
      return changing(runs.control(id, { command: 'change', ...change }));
    },
    'runs.resume': ({ id, checkpoint }) => {
      queue.budgets.letGo(id);
      return changing(runs.resume(id, checkpoint));
    },
    'runs.remove': async ({ id }) => {
      const dir = runs.dir(id);
      await changing(runs.remove(id));
      await writeTags(dir, []);
      return {};
    },
    'runs.log': ({ id, offset, callback }) => logPage(runs.dir(id), offset, callback),
  };
}

function checkChange({ step }: RunStatus, change: RunChange): void {
  const { learning_rate, total_steps } = change;
  if (learning_rate === undefined && total_steps === undefined)
    throw new CollieError('request.invalid', 'Nothing is to be changed.', 'Give a learning rate or an end.');
  if (total_steps !== undefined && total_steps <= step)
    throw new CollieError(
      'request.invalid',
      `The run cannot end at step ${total_steps}: ${step} steps are done.`,
      'Give a later step, or stop the run.',
    );
}

/** The name of a set of the run. Throws request.invalid: names become paths. */
function inSpec({ evaluation }: RunSpec, set: string): string {
  if (set === DEFAULT_SET || evaluation.sets.some(({ name }) => name === set)) return set;
  throw new CollieError('request.invalid', `The run has no evaluation set "${set}".`);
}

export function invalidSpec(issues: { path: string; message: string }[], what = 'run'): CollieError {
  const first = issues[0];
  const more = issues.length > 1 ? ` and ${issues.length - 1} more` : '';
  const why = first ? `${first.path || 'spec'}: ${first.message}${more}` : 'it has no valid settings';
  return new CollieError('spec.invalid', `The ${what} cannot start: ${why}`, 'Correct the marked settings.', {
    issues,
  });
}

export function jobHandlers({ jobs }: Services): AreaHandlers<'jobs'> {
  return {
    'jobs.list': () => jobs.list(),
    'jobs.cancel': ({ id }) => {
      jobs.cancel(id);
      return {};
    },
  };
}

export function exportHandlers(services: Services): AreaHandlers<'exports'> {
  const { runs, jobs, confine } = services;
  return {
    'exports.list': () => listExports(runs),
    'exports.start': async (request) => {
      const destination = request.destination === '' ? '' : await confine(request.destination);
      const plan = planExport(runs, { ...request, destination });
      const title = `Export ${request.kind} of ${runs.status(request.runId).name}`;
      const job = jobs.start('export', title, (context) => runExport(runs, plan, context));
      return { jobId: job.id };
    },
  };
}
