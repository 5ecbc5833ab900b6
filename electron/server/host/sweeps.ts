/** Handlers of sweeps. */
import { pointName } from '../../shared/runs/sweep-record.ts';
import type { SpecIssue } from '../../shared/spec/run-spec.ts';
import type { SweepPreview } from '../../shared/spec/sweep-preview.ts';
import { type CheckedSweep, changedSweep, checkSweep, readSweep } from '../queue/sweep.ts';
import { requireRank } from '../rank/rank.ts';
import type { AreaHandlers } from './handlers.ts';
import { validateSpec } from './library.ts';
import { invalidSpec } from './runs.ts';
import type { Services } from './services.ts';

export function sweepHandlers(services: Services): AreaHandlers<'sweeps'> {
  const { queue, statuses } = services;
  const { sweeps } = queue;
  const validate = (spec: unknown) => validateSpec(services, spec);

  /** `of`: a sweep that is there. */
  async function check(input: unknown, of: string | null) {
    if (of === null) {
      const sweep = readSweep(input);
      return { sweep, ...(await checkSweep(sweep, validate)) };
    }
    const { definition, runs } = sweeps.get(of);
    const sweep = changedSweep(definition, input);
    return { sweep, ...(await checkSweep(sweep, validate, runs)) };
  }

  const requireApproved = async ({ runs }: CheckedSweep) => {
    await services.callbacks.require(runs.flatMap(({ spec }) => spec.callbacks));
    services.judges.require(...runs.map(({ spec }) => spec));
  };

  return {
    'sweeps.list': () => {
      sweeps.settle();
      return sweeps.list().map((record) => ({ ...record, budget: queue.budgets.of(record) }));
    },
    'sweeps.get': ({ id }) => sweeps.get(id),
    'sweeps.preview': async ({ sweep, of }) => (await check(sweep, of)).preview,
    'sweeps.add': async ({ sweep: input, leave_out }) => {
      const { sweep, ...checked } = await check(input, null);
      requireRunnable(checked, leave_out);
      await requireApproved(checked);
      const { id, runs } = await queue.addSweep('sweep', sweep.name, sweep, checked.runs);
      statuses.refresh();
      return { id, ids: runs.map((run) => run.id) };
    },
    'sweeps.extend': async ({ id, sweep: input, leave_out }) => {
      const { sweep, ...checked } = await check(input, id);
      if (checked.preview.points.length > 0) requireRunnable(checked, leave_out);
      await requireApproved(checked);
      const ids = await queue.extendSweep(id, sweep, checked.runs);
      statuses.refresh();
      return { ids };
    },
    'sweeps.remove': async ({ id }) => {
      await queue.removeSweep(id);
      statuses.refresh();
      return {};
    },
  };
}

function requireRunnable({ preview, runs }: CheckedSweep, leaveOut: boolean): void {
  const wrong = issuesOf(preview.points);
  if (runs.length === 0 || (wrong.length > 0 && !leaveOut)) throw invalidSpec(wrong, 'sweep');
  requireRank(runs[0]?.spec.device);
}

/** Each once, with its point unless all points have it. */
function issuesOf(points: SweepPreview['points']): SpecIssue[] {
  const found = new Map<string, { issue: SpecIssue; at: string[] }>();
  for (const { values, issues } of points)
    for (const issue of issues) {
      const key = `${issue.path}: ${issue.message}`;
      const { at = [] } = found.get(key) ?? {};
      found.set(key, { issue, at: [...at, pointName(values)] });
    }
  return [...found.values()].map(({ issue, at }) =>
    at.length === points.length
      ? issue
      : {
          ...issue,
          message: `${issue.message} (${at[0]}${at.length > 1 ? ` and ${at.length - 1} more` : ''})`,
        },
  );
}
