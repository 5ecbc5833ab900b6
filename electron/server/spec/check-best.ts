/** Whether the metric by which checkpoints are best is measured, and which way is better. */
import { DEFAULT_SET } from '../../shared/runs/event-line.ts';
import { metricInfo } from '../../shared/runs/metrics.ts';
import type { EvaluationSetSpec } from '../../shared/spec/evaluation-sets.ts';
import { objectives } from '../../shared/spec/objectives.ts';
import { metricsOfSet } from '../evaluation/set-metrics.ts';
import type { Findings } from './context.ts';
import { issue, type Parts } from './issue.ts';
import { nearest } from './suggest.ts';

const PATH = 'checkpoint.best_by';

export function checkBest({ checkpoint, evaluation, dataset }: Parts, findings: Findings): void {
  const { best_by } = checkpoint ?? {};
  if (!checkpoint) return;
  if (best_by === null || best_by === undefined) {
    checkUnused(checkpoint, findings);
    return;
  }
  const measured = metricsByName(evaluation?.sets ?? [], dataset !== undefined);
  if (!measured.includes(best_by)) {
    const near = nearest(best_by, measured);
    const message = `Nothing measures ${best_by}. There is: ${measured.slice(0, 20).join(', ')}.`;
    const suggestion = near === null ? 'Choose one of these.' : `Did you mean ${near}?`;
    findings.issues.push(issue(PATH, 'unknown_choice', message, best_by, suggestion));
    return;
  }
  const { title, better } = metricInfo(best_by.split('/')[1] ?? '');
  const wanted = better === 'lower' ? 'lowest' : 'highest';
  if (better !== null && checkpoint.best_is !== wanted) {
    const message = `${title} is better ${better === 'lower' ? 'lower' : 'higher'}, and checkpoint.best_is is ${checkpoint.best_is}.`;
    const fix = `Set checkpoint.best_is to ${wanted}.`;
    findings.issues.push(issue('checkpoint.best_is', 'not_together', message, checkpoint.best_is, fix));
  }
}

/** What is said of best checkpoints means nothing without a metric. */
function checkUnused(checkpoint: NonNullable<Parts['checkpoint']>, findings: Findings): void {
  for (const [key, title] of [
    ['patience', 'Patience'],
    ['restore_best', 'End with the best'],
  ] as const) {
    if (!checkpoint[key]) continue;
    const message = `${title} needs a metric that says which checkpoint is best.`;
    findings.issues.push(
      issue(
        `checkpoint.${key}`,
        'not_together',
        message,
        checkpoint[key],
        'Set checkpoint.best_by, to eval/loss for instance.',
      ),
    );
  }
}

/** `set/metric` of all that is evaluated. */
function metricsByName(sets: readonly EvaluationSetSpec[], heldOut: boolean): string[] {
  const own = heldOut ? (objectives[0]?.metrics.eval ?? []).map((name) => `${DEFAULT_SET}/${name}`) : [];
  return [...own, ...sets.flatMap((set) => metricsOfSet(set).map((name) => `${set.name}/${name}`))];
}
