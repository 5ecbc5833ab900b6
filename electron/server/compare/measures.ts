/** What a row of an evaluation has a value of, by what the evaluator computes. Pure. */
import { DEFAULT_SET } from '../../shared/runs/event-line.ts';
import { metricInfo } from '../../shared/runs/metrics.ts';
import { answerMetrics, type EvaluationSetSpec, kindOfSet } from '../../shared/spec/evaluation-sets.ts';
import type { JoinedRow, JudgedRow } from './examples.ts';

export type RowKind = EvaluationSetSpec['evaluator']['type'];

/** A run's value is the sum of values over the sum of weights: with token counts as weights, its reported loss. */
export interface Measured {
  value: number;
  weight: number;
}

export interface Measure {
  metric: string;
  title: string;
  unit: string;
  better: 'lower' | 'higher';
  /** Said of single runs only: a mean over seeds is neither right nor wrong. */
  single?: true;
  /** null: the row has none. */
  of: (row: JudgedRow) => Measured | null;
}

type Own = Partial<Pick<Measure, 'title' | 'unit' | 'better' | 'single'>>;

const measure = (metric: string, of: Measure['of'], own: Own = {}): Measure => {
  const { title, unit, better } = metricInfo(metric);
  return { metric, title, unit, better: better ?? 'higher', of, ...own };
};

const over = (value: number | undefined, weight: number | null | undefined): Measured | null =>
  value === undefined || !Number.isFinite(value) || !weight ? null : { value, weight };

const loss = measure('loss', (row) => over(row.loss, row.targets));
const score = (metric: string, own: Own = {}) => measure(metric, (row) => over(row.scores[metric], 1), own);

const ofTokens: readonly Measure[] = [
  loss,
  measure('token_accuracy', (row) => over(row.correct, row.targets)),
  measure('whole_answer', (row) => over(row.targets ? Number(row.correct === row.targets) : undefined, 1), {
    title: 'Answers right to the last token',
    unit: 'share',
    better: 'higher',
    single: true,
  }),
];

/** Across tokenizers. */
const perByte = measure(
  'loss',
  (row) => over(row.loss === undefined ? undefined : row.loss / Math.LN2, row.about.answer_bytes),
  { title: 'Loss per byte', unit: 'bits per byte' },
);

/** A macro F1 or a calibration error is of all rows together, so no row has one. */
const ofChoices: readonly Measure[] = [
  score('accuracy'),
  score('accuracy_norm'),
  { ...loss, title: 'Loss of the right label' },
];

const cutOff = measure('cut_off', ({ answers = [] }) =>
  over(answers.filter(({ finish }) => finish === 'length').length / answers.length, 1),
);

/** Metrics of all answers together (BLEU, chrF) are of each answer here: their mean is near to the reported value, not the same. */
const ofAnswers = (metrics: readonly string[]): readonly Measure[] => [
  ...metrics.map((name) => score(name)),
  score('pass_at_k'),
  cutOff,
];

export function measuresOf(
  kind: RowKind,
  metrics: readonly string[],
  acrossTokenizers: boolean,
): readonly Measure[] {
  if (kind === 'likelihood') return acrossTokenizers ? [perByte] : ofTokens;
  return kind === 'classification' ? ofChoices : ofAnswers(metrics);
}

export function kindOf(set: string, spec: EvaluationSetSpec | null): RowKind {
  if (set === DEFAULT_SET || spec === null) return 'likelihood';
  return kindOfSet(spec);
}

/** By what a set is told better first. */
export function tellingMetric(set: string, spec: EvaluationSetSpec | null): string {
  const kind = kindOf(set, spec);
  if (kind === 'generation' && spec?.evaluator.type === 'generation')
    return answerMetrics(spec)[0] ?? 'exact_match';
  return kind === 'classification' ? 'accuracy' : 'loss';
}

/** Of one side of a row: the mean over its runs, those without a value left out. */
export function meanOf(rows: readonly JudgedRow[], { of }: Measure): Measured | null {
  const found = rows.map(of).filter((one) => one !== null);
  if (found.length === 0) return null;
  const mean = (key: keyof Measured) => found.reduce((sum, one) => sum + one[key], 0) / found.length;
  return { value: mean('value'), weight: mean('weight') };
}

export interface ValuedRow {
  row: JoinedRow;
  baseline: Measured;
  candidate: Measured;
}

/** Rows of which both sides have a value. */
export function valuedRows(rows: readonly JoinedRow[], measure: Measure): ValuedRow[] {
  return rows.flatMap((row) => {
    const [baseline, candidate] = [meanOf(row.baseline, measure), meanOf(row.candidate, measure)];
    return baseline && candidate ? [{ row, baseline, candidate }] : [];
  });
}
