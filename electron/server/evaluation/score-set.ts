/** What an evaluation of a named set is worth: metrics of the set and scores of its rows, out of what the engine computed. Pure but for the decoder of token ids. */
import { passAtK } from '../../shared/evaluation/answers.ts';
import {
  accuracy,
  averagedScores,
  type Choice,
  calibrationError,
  confusionMatrix,
} from '../../shared/evaluation/classification.ts';
import {
  addLikelihood,
  bitsPerByte,
  type LikelihoodSums,
  meanLoss,
  perplexity,
  tokenAccuracy,
} from '../../shared/evaluation/likelihood.ts';
import { mean } from '../../shared/evaluation/text.ts';
import {
  type Answer,
  type AnswerRules,
  scoreAnswer,
  scoreAnswers,
} from '../../shared/evaluation/text-metrics.ts';
import type { EvalRow, RawAnswer, RawLoss, ScoredRow, SetHead } from '../../shared/runs/evaluation-rows.ts';
import type { EvaluationSetSpec, EvaluatorSpec } from '../../shared/spec/evaluation-sets.ts';
import { schemaValidator } from './json-schema.ts';
import { limited } from './limited.ts';

export interface ScoredSet {
  metrics: Record<string, number>;
  confusion?: SetHead['confusion'];
  rows: ScoredRow[];
}

type Generation = Extract<EvaluatorSpec, { type: 'generation' }>;
type Classification = Extract<EvaluatorSpec, { type: 'classification' }>;

export const isGeneration = (set: EvaluationSetSpec): boolean =>
  set.task === null && set.evaluator.type === 'generation';

/** A benchmark's rows have choices, whatever the evaluator of the set. */
export function scoreLosses(
  set: EvaluationSetSpec,
  rows: readonly EvalRow[],
  raw: readonly RawLoss[],
): ScoredSet {
  const { evaluator } = set;
  if (evaluator.type === 'classification') return scoreChoices(evaluator, rows, raw);
  if (set.task !== null) return scoreChoices({ normalize: 'none' }, rows, raw);
  return scoreLikelihood(rows, raw);
}

function scoreLikelihood(rows: readonly EvalRow[], raw: readonly RawLoss[]): ScoredSet {
  const sums = raw.map((one): LikelihoodSums => ({ ...one, bytes: rows[one.row]?.answer_bytes ?? null }));
  const all = addLikelihood(sums);
  const metrics: Record<string, number> = {
    loss: meanLoss(all),
    perplexity: perplexity(all),
    token_accuracy: tokenAccuracy(all),
    target_tokens: all.targets,
  };
  const bits = bitsPerByte(all);
  if (!Number.isNaN(bits)) metrics.bits_per_byte = bits;
  return { metrics, rows: raw.map((one) => ({ ...one, scores: { loss: one.loss / one.targets } })) };
}

const lowest = (values: readonly number[]): number => values.indexOf(Math.min(...values));

/** Probabilities of the choices among each other, from what their losses were compared by. */
function probabilityOf(losses: readonly number[], chosen: number): number {
  const least = Math.min(...losses);
  const weights = losses.map((loss) => Math.exp(least - loss));
  return (weights[chosen] ?? 0) / weights.reduce((sum, weight) => sum + weight, 0);
}

const lengths = {
  none: (_: string, _one: RawLoss) => 1,
  tokens: (_: string, { targets }: RawLoss) => targets,
  characters: (label: string, _: RawLoss) => Array.from(label).length,
} as const;

function scoreChoices(
  { normalize }: Pick<Classification, 'normalize'>,
  rows: readonly EvalRow[],
  raw: readonly RawLoss[],
): ScoredSet {
  const byDocument = new Map(raw.map((one) => [one.row, one]));
  const scored: ScoredRow[] = [];
  const choices: Choice[] = [];
  const right: RawLoss[] = [];
  for (const [row, { labels = [], label = 0, first_document = 0 }] of rows.entries()) {
    const documents = labels.map((_, k) => byDocument.get(first_document + k));
    const own = documents.filter((one) => one !== undefined);
    if (own.length < labels.length) throw new Error(`the engine left out documents of row ${row}`);
    const losses = own.map(({ loss }) => loss);
    const compared = own.map((one, k) => one.loss / lengths[normalize](labels[k] ?? '', one));
    const byCharacter = own.map((one, k) => one.loss / lengths.characters(labels[k] ?? '', one));
    const chosen = lowest(compared);
    const probability = probabilityOf(compared, chosen);
    const hit = own[label] as RawLoss;
    choices.push({ label, chosen, probability });
    right.push(hit);
    scored.push({
      row,
      loss: hit.loss,
      targets: hit.targets,
      correct: hit.correct,
      chosen,
      probability,
      losses,
      scores: { accuracy: Number(chosen === label), accuracy_norm: Number(lowest(byCharacter) === label) },
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
  const macro = averagedScores(matrix, 'macro', 1);
  Object.assign(metrics, {
    macro_precision: macro.precision,
    macro_recall: macro.recall,
    macro_f1: macro.fBeta,
  });
  return { metrics, confusion: { labels, matrix }, rows: scored };
}

/** Labels that all rows have; null where rows have choices of their own. */
function sharedLabels(rows: readonly EvalRow[]): string[] | null {
  const [first] = rows;
  const same =
    first?.labels && rows.every(({ labels }) => labels?.join('\u0000') === first.labels?.join('\u0000'));
  return same ? (first.labels ?? null) : null;
}

/** Throws spec.invalid for a schema that is none. */
export function answerRules(evaluator: Generation): AnswerRules {
  const { pattern, json_schema } = evaluator;
  const rules: AnswerRules = {};
  if (pattern !== null) {
    const regex = new RegExp(pattern, 'u');
    rules.pattern = { test: (text) => limited(`The pattern ${pattern}`, () => regex.test(text)) };
  }
  if (json_schema !== null) {
    const valid = schemaValidator(JSON.parse(json_schema) as object);
    rules.validate = (value) => limited('The JSON Schema', () => valid(value));
  }
  return rules;
}

/** Before the first of the stop texts that it has. */
export function cutAt(text: string, stops: readonly string[]): { text: string; stopped: boolean } {
  const places = stops.map((stop) => text.indexOf(stop)).filter((place) => place >= 0);
  if (places.length === 0) return { text, stopped: false };
  return { text: text.slice(0, Math.min(...places)), stopped: true };
}

export async function scoreGeneration(
  evaluator: Generation,
  rows: readonly EvalRow[],
  raw: readonly RawAnswer[],
  decode: (ids: number[]) => Promise<string>,
): Promise<ScoredSet> {
  const rules = answerRules(evaluator);
  const scored: ScoredRow[] = [];
  const all: Answer[] = [];
  const passes: number[] = [];
  let cut = 0;
  for (const [row, { references = [] }] of rows.entries()) {
    const answers: NonNullable<ScoredRow['answers']> = [];
    for (const { ids, finish } of raw.filter((one) => one.row === row)) {
      const { text, stopped } = cutAt(await decode(ids), evaluator.stop);
      answers.push({ text, finish: stopped ? 'stop' : finish });
    }
    const judged = answers.map(({ text }) => scoreAnswer(evaluator.metrics, { text, references }, rules));
    const scores = Object.fromEntries(
      evaluator.metrics.map((name) => [name, mean(judged.map((one) => one[name] ?? 0))]),
    );
    if (answers.length > 1) {
      const [name = ''] = evaluator.metrics;
      const right = judged.filter((one) => (one[name] ?? 0) >= 1).length;
      scores.pass_at_k = passAtK(answers.length, right, answers.length);
      passes.push(scores.pass_at_k);
    }
    cut += answers.filter(({ finish }) => finish === 'length').length;
    all.push(...answers.map(({ text }) => ({ text, references })));
    scored.push({ row, answers, scores });
  }
  const metrics = scoreAnswers(evaluator.metrics, all, rules);
  if (passes.length > 0) metrics.pass_at_k = mean(passes);
  metrics.cut_off = cut / Math.max(all.length, 1);
  return { metrics, rows: scored };
}
