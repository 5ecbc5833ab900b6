/** Names of the metrics that a set is scored by; a test holds them to what the scoring gives. */
import {
  answerMetrics,
  type EvaluationSetSpec,
  judgeOf,
  kindOfSet,
} from '../../shared/spec/evaluation-sets.ts';

const LIKELIHOOD = ['loss', 'perplexity', 'token_accuracy', 'bits_per_byte'];
const CHOICES = ['accuracy', 'accuracy_norm', 'calibration_error', 'loss'];
const JUDGED = ['judged', 'not_judged'];
const AVERAGES = ['macro', 'micro'];
const sharedLabels = (beta: number) =>
  ['precision', 'recall', 'f1', ...(beta === 1 ? [] : ['f_beta'])].flatMap((name) =>
    AVERAGES.map((average) => `${average}_${name}`),
  );

export function metricsOfSet(set: EvaluationSetSpec): string[] {
  const { task, evaluator } = set;
  if (task !== null && kindOfSet(set) === 'classification') return CHOICES;
  switch (evaluator.type) {
    case 'likelihood':
      return LIKELIHOOD;
    case 'classification':
      return evaluator.choices === null ? [...CHOICES, ...sharedLabels(evaluator.beta)] : CHOICES;
    case 'generation':
      return [
        ...answerMetrics(set),
        ...(judgeOf(set) ? JUDGED : []),
        ...(evaluator.answers > 1 ? ['pass_at_k'] : []),
        'cut_off',
      ];
  }
}
