/** What a judge makes of the answers of a set: rows are asked about with all that is known of them, and only those that got a score count. */
import { mean } from '../../shared/evaluation/text.ts';
import type { EvalRow, ScoredRow } from '../../shared/runs/evaluation-rows.ts';
import type { JudgedAnswer } from '../judge/judge.ts';
import { asked } from './row-records.ts';
import type { AskJudge } from './score-set.ts';

/** The conversation as one text; of a single question only what it says. */
export function questionOf(row: EvalRow): string {
  const messages = asked(row);
  if (messages.length === 1) return messages[0]?.content ?? '';
  return messages.map(({ role, content }) => `${role}: ${content}`).join('\n\n');
}

/** By row, in the order of its answers. */
export async function gradesOf(
  ask: AskJudge,
  rows: readonly EvalRow[],
  texts: readonly NonNullable<ScoredRow['answers']>[],
): Promise<JudgedAnswer[][]> {
  const questions = rows.flatMap((row, k) =>
    (texts[k] ?? []).map(({ text }) => ({
      question: questionOf(row),
      reference: (row.references ?? []).join('\nor:\n'),
      answer: text,
    })),
  );
  const all = await ask(questions);
  let from = 0;
  return texts.map((answers) => {
    const own = all.slice(from, from + answers.length);
    from += answers.length;
    return own;
  });
}

const given = (judged: readonly JudgedAnswer[]) =>
  judged.flatMap(({ score }) => (score === null ? [] : [score]));

/** Of one row: the mean over its judged answers; nothing where none was. */
export function judgeScore(judged: readonly JudgedAnswer[] = []): Record<string, number> {
  const scores = given(judged);
  return scores.length > 0 ? { judge: mean(scores) } : {};
}

/** Of the set: the mean over answers that were judged (none: no number), and how many that were. */
export function judgeMetrics(judged: readonly JudgedAnswer[]): Record<string, number> {
  const scores = given(judged);
  return { judge: mean(scores), judged: scores.length, not_judged: judged.length - scores.length };
}
