/** Which label of each row the model finds likeliest, and what that comes to over a set. Pure. */
import {
  accuracy,
  averagedScores,
  type Choice,
  calibrationError,
  confusionMatrix,
} from '../../shared/evaluation/classification.ts';
import { addLikelihood, meanLoss } from '../../shared/evaluation/likelihood.ts';
import { mean } from '../../shared/evaluation/text.ts';
import type { EvalRow, RawLoss, ScoredRow } from '../../shared/runs/evaluation-rows.ts';
import type { EvaluatorSpec } from '../../shared/spec/evaluation-sets.ts';
import type { ScoredSet } from './scored-set.ts';

type ChoiceRules = Pick<Extract<EvaluatorSpec, { type: 'classification' }>, 'normalize' | 'beta'>;

/** Of a benchmark's set that names another evaluator. */
export const BENCHMARK_CHOICES: ChoiceRules = { normalize: 'none', beta: 1 };

const lowest = (values: readonly number[]): number => values.indexOf(Math.min(...values));

/** Probabilities of the choices among each other, from what their losses were compared by. */
function probabilityOf(losses: readonly number[], chosen: number): number {
  const least = Math.min(...losses);
  const weights = losses.map((loss) => Math.exp(least - loss));
  return (weights[chosen] ?? 0) / weights.reduce((sum, weight) => sum + weight, 0);
}

/** A label of a row: what was computed of it behind the prompt, and without one where that was asked for. */
interface Scored {
  label: string;
  own: RawLoss;
  alone: RawLoss | null;
}

const characters = ({ label, own }: Scored) => own.loss / Array.from(label).length;

/** What labels are compared by. */
const compared: Record<ChoiceRules['normalize'], (one: Scored) => number> = {
  none: ({ own }) => own.loss,
  tokens: ({ own }) => own.loss / own.targets,
  characters,
  mutual_info: ({ label, own, alone }) => {
    if (alone === null) throw new Error(`the label "${label}" has no document without the prompt`);
    return own.loss - alone.loss;
  },
};

function scoredLabels(row: EvalRow, place: number, byDocument: ReadonlyMap<number, RawLoss>): Scored[] {
  const { labels = [], first_document = 0, alone_documents } = row;
  const found = (document: number): RawLoss => {
    const one = byDocument.get(document);
    if (one === undefined) throw new Error(`the engine left out documents of row ${place}`);
    return one;
  };
  return labels.map((label, k) => {
    const alone = alone_documents?.[k];
    return { label, own: found(first_document + k), alone: alone === undefined ? null : found(alone) };
  });
}

export function scoreChoices(
  { normalize, beta }: ChoiceRules,
  rows: readonly EvalRow[],
  raw: readonly RawLoss[],
): ScoredSet {
  const byDocument = new Map(raw.map((one) => [one.row, one]));
  const scored: ScoredRow[] = [];
  const choices: Choice[] = [];
  const right: RawLoss[] = [];
  for (const [row, about] of rows.entries()) {
    const { label = 0 } = about;
    const all = scoredLabels(about, row, byDocument);
    const losses = all.map(compared[normalize]);
    const chosen = lowest(losses);
    const probability = probabilityOf(losses, chosen);
    const hit = all[label]?.own as RawLoss;
    choices.push({ label, chosen, probability });
    right.push(hit);
    scored.push({
      row,
      loss: hit.loss,
      targets: hit.targets,
      correct: hit.correct,
      chosen,
      probability,
      losses: all.map(({ own }) => own.loss),
      ...(normalize === 'mutual_info' ? { losses_alone: all.map(({ alone }) => alone?.loss ?? 0) } : {}),
      scores: {
        accuracy: Number(chosen === label),
        accuracy_norm: Number(lowest(all.map(characters)) === label),
      },
    });
  }
  const metrics: Record<string, number> = {
    accuracy: accuracy(choices),
    accuracy_norm: mean(scored.map(({ scores }) => scores.accuracy_norm ?? 0)),
    calibration_error: calibrationError(choices),
    loss: meanLoss(addLikelihood(right.map((one) => ({ ...one, bytes: null })))),
  };
  const labels = sharedLabels(rows);
  if (labels === null) return { metrics, rows: scored };
  const matrix = confusionMatrix(choices, labels.length);
  for (const average of ['macro', 'micro'] as const) {
    const { precision, recall, fBeta } = averagedScores(matrix, average, 1);
    metrics[`${average}_precision`] = precision;
    metrics[`${average}_recall`] = recall;
    metrics[`${average}_f1`] = fBeta;
    if (beta !== 1) metrics[`${average}_f_beta`] = averagedScores(matrix, average, beta).fBeta;
  }
  return { metrics, confusion: { labels, matrix }, rows: scored };
}

/** Labels that all rows have; null where rows have choices of their own. */
function sharedLabels(rows: readonly EvalRow[]): string[] | null {
  const [first] = rows;
  const same =
    first?.labels && rows.every(({ labels }) => labels?.join('\u0000') === first.labels?.join('\u0000'));
  return same ? (first.labels ?? null) : null;
}
