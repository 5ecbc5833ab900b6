/** What an evaluation of a named set is worth: metrics of the set and scores of its rows, out of what the engine computed. Pure but for the decoder of token ids. */
import { passAtK } from '../../shared/evaluation/answers.ts';
import {
  type Followed,
  followed,
  followedMetrics,
  followedScores,
} from '../../shared/evaluation/ifeval/follow.ts';
import type { Judged } from '../../shared/evaluation/judge.ts';
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
import type { EvalRow, RawAnswer, RawLoss, ScoredRow } from '../../shared/runs/evaluation-rows.ts';
import type { EvaluationSetSpec, EvaluatorSpec } from '../../shared/spec/evaluation-sets.ts';
import type { JudgedAnswer } from '../judge/judge.ts';
import { schemaValidator } from './json-schema.ts';
import { gradesOf, judgeMetrics, judgeScore } from './judged-set.ts';
import { limited } from './limited.ts';
import { BENCHMARK_CHOICES, scoreChoices } from './score-choices.ts';
import type { ScoredSet } from './scored-set.ts';
import { textTools } from './text-tools.ts';

export type { ScoredSet } from './scored-set.ts';

type Generation = Extract<EvaluatorSpec, { type: 'generation' }>;

/** A benchmark's rows have choices, whatever the evaluator of the set. */
export function scoreLosses(
  set: EvaluationSetSpec,
  rows: readonly EvalRow[],
  raw: readonly RawLoss[],
): ScoredSet {
  const { evaluator } = set;
  if (evaluator.type === 'classification') return scoreChoices(evaluator, rows, raw);
  if (set.task !== null) return scoreChoices(BENCHMARK_CHOICES, rows, raw);
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

type Answers = NonNullable<ScoredRow['answers']>;

/** Grades answers, in their order; left out where the set has no judge. */
export type AskJudge = (answers: readonly Judged[]) => Promise<JudgedAnswer[]>;

/** By row. */
async function decoded(
  { stop }: Generation,
  rows: readonly EvalRow[],
  raw: readonly RawAnswer[],
  decode: (ids: number[]) => Promise<string>,
): Promise<Answers[]> {
  const all: Answers[] = rows.map(() => []);
  for (const { row, ids, finish } of raw) {
    const { text, stopped } = cutAt(await decode(ids), stop);
    all[row]?.push({ text, finish: stopped ? 'stop' : finish });
  }
  return all;
}

export async function scoreGeneration(
  evaluator: Generation,
  rows: readonly EvalRow[],
  raw: readonly RawAnswer[],
  decode: (ids: number[]) => Promise<string>,
  ask?: AskJudge,
): Promise<ScoredSet> {
  const rules = answerRules(evaluator);
  const texts = await decoded(evaluator, rows, raw, decode);
  const grades = ask ? await gradesOf(ask, rows, texts) : null;
  const scored: ScoredRow[] = [];
  const all: Answer[] = [];
  const kept: Followed[] = [];
  const passes: number[] = [];
  let cut = 0;
  for (const [row, { references = [], instructions }] of rows.entries()) {
    const answers = texts[row] ?? [];
    const judged = grades?.[row];
    const follows = instructions ? answers.map(({ text }) => followed(instructions, text, textTools)) : [];
    const found = answers.map(({ text }, k) => ({
      ...(follows[k] ? followedScores(follows[k]) : {}),
      ...scoreAnswer(evaluator.metrics, { text, references }, rules),
    }));
    const scores = { ...meanScores(found), ...judgeScore(judged) };
    if (answers.length > 1) {
      const [name = ''] = Object.keys(found[0] ?? {});
      const right = found.filter((one) => (one[name] ?? 0) >= 1).length;
      scores.pass_at_k = passAtK(answers.length, right, answers.length);
      passes.push(scores.pass_at_k);
    }
    cut += answers.filter(({ finish }) => finish === 'length').length;
    all.push(...answers.map(({ text }) => ({ text, references })));
    kept.push(...follows);
    const remarks = { ...(follows[0] ? { followed: follows[0] } : {}), ...(judged ? { judged } : {}) };
    scored.push({ row, answers, ...remarks, scores });
  }
  const metrics: Record<string, number> = {
    ...(kept.length > 0 ? followedMetrics(kept) : {}),
    ...scoreAnswers(evaluator.metrics, all, rules),
    ...(grades ? judgeMetrics(grades.flat()) : {}),
  };
  if (passes.length > 0) metrics.pass_at_k = mean(passes);
  metrics.cut_off = cut / Math.max(all.length, 1);
  return { metrics, rows: scored };
}

/** Of several answers, by metric. */
function meanScores(judged: readonly Record<string, number>[]): Record<string, number> {
  const names = Object.keys(judged[0] ?? {});
  return Object.fromEntries(names.map((name) => [name, mean(judged.map((one) => one[name] ?? 0))]));
}
