/** Whether the named evaluation sets can be evaluated: their names, columns, metrics and what those need. */

import { toErrorInfo } from '../../shared/errors.ts';
import { textMetric } from '../../shared/evaluation/text-metrics.ts';
import type { EvaluationSetSpec } from '../../shared/spec/evaluation-sets.ts';
import { taskEvaluator } from '../../shared/spec/tasks.ts';
import { columnsOf } from '../datasets/set-rows.ts';
import { answerRules } from '../evaluation/score-set.ts';
import type { Findings, Found } from './context.ts';
import { issue, type Parts } from './issue.ts';

const setPath = (k: number, field = '') => `evaluation.sets.${k}${field === '' ? '' : `.${field}`}`;

export function checkSets({ evaluation, dataset }: Parts, found: Found, findings: Findings): void {
  const sets = evaluation?.sets ?? [];
  for (const [k, set] of sets.entries()) {
    if (sets.findIndex(({ name }) => name === set.name) < k) {
      const message = `Two evaluation sets are called "${set.name}".`;
      findings.issues.push(
        issue(setPath(k, 'name'), 'invalid', message, set.name, 'Give each a name of its own.'),
      );
    }
    checkEvaluator(set, k, findings);
    const source = found.sets[k];
    if (!source || !dataset) continue;
    try {
      columnsOf(source, { set, mapping: set.mapping ?? dataset.mapping });
    } catch (thrown) {
      const { code, message, hint, data } = toErrorInfo(thrown);
      const field = set.task !== null ? 'data' : 'mapping';
      findings.issues.push(issue(setPath(k, field), code, message, data.column ?? set.data, hint));
    }
    if (source.rowsPath === found.train?.rowsPath) {
      const message = `The evaluation set "${set.name}" is the training data: it says nothing about new rows.`;
      findings.warnings.push(issue(setPath(k, 'data'), 'same_data', message, set.data, 'Choose other rows.'));
    }
  }
}

function checkEvaluator(set: EvaluationSetSpec, k: number, findings: Findings): void {
  const { evaluator } = set;
  const refuse = (field: string, message: string, received: unknown, suggestion: string) =>
    findings.issues.push(issue(setPath(k, field), 'not_together', message, received, suggestion));
  const asked = set.task === null ? null : taskEvaluator(set.task);
  if (asked !== null && (asked === 'generation') !== (evaluator.type === 'generation'))
    refuse(
      'task',
      `The evaluation set "${set.name}" has ${asked === 'generation' ? 'prompts' : 'choices'} of the benchmark ${set.task}, and the evaluator ${evaluator.type}.`,
      set.task,
      `Choose ${asked}.`,
    );
  if (evaluator.type === 'classification' && evaluator.labels.length === 1)
    refuse(
      'evaluator.labels',
      `The evaluation set "${set.name}" has one label, "${evaluator.labels[0]}": there is nothing to choose from.`,
      evaluator.labels,
      'Write two or more, or none.',
    );
  if (evaluator.type !== 'generation') return;
  if (evaluator.metrics.length === 0 && asked === null && evaluator.judge.type === 'none')
    refuse(
      'evaluator.metrics',
      `The evaluation set "${set.name}" has no metric.`,
      evaluator.metrics,
      'Choose one.',
    );
  for (const name of evaluator.metrics) {
    const { needs, title, reference } = textMetric(name);
    if (reference && asked === 'generation')
      refuse(
        'evaluator.metrics',
        `The metric ${title} of the evaluation set "${set.name}" needs a reference, which rows of ${set.task} do not have.`,
        evaluator.metrics,
        'Leave it out: `"metrics": []` will do, as the benchmark has metrics of its own.',
      );
    const field = needs === 'pattern' ? 'pattern' : 'json_schema';
    if (needs === null || evaluator[field] !== null) continue;
    refuse(
      `evaluator.${field}`,
      `The metric ${title} of the evaluation set "${set.name}" needs it.`,
      null,
      'Write it.',
    );
  }
  if (evaluator.answers > 1 && evaluator.temperature === 0)
    refuse(
      'evaluator.temperature',
      `The evaluation set "${set.name}" asks for ${evaluator.answers} answers to a prompt, which are all the same at temperature 0.`,
      0,
      'Raise it, to 0.8 for instance.',
    );
  if (evaluator.answers > 1 && evaluator.metrics.length === 0 && asked === null)
    refuse(
      'evaluator.metrics',
      `The evaluation set "${set.name}" asks for ${evaluator.answers} answers to a prompt, and pass@k is counted by a metric, not by a judge.`,
      evaluator.metrics,
      'Choose a metric, or ask for one answer.',
    );
  try {
    answerRules(evaluator);
  } catch (thrown) {
    const { message, hint } = toErrorInfo(thrown);
    const field = message.startsWith('Invalid regular expression') ? 'pattern' : 'json_schema';
    findings.issues.push(issue(setPath(k, `evaluator.${field}`), 'invalid', message, evaluator[field], hint));
  }
}
