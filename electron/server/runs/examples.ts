/** What evaluations found row by row, out of the run folder: of the held-out rows and of named sets (docs/run-folder.md). */
import type { ExampleHistory, ExampleRow, Found, RunExamples } from '../../shared/api/examples.ts';
import type { EvalRow, ScoredRow } from '../../shared/runs/evaluation-rows.ts';
import { DEFAULT_SET } from '../../shared/runs/event-line.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { asked, evaluatedRows, expectedOf, readScoredRows, recordFiles } from '../evaluation/row-records.ts';

/** Of a record: what was found, by row. */
const readRecord = (set: string, path: string): Map<number, ScoredRow> =>
  new Map(readScoredRows(set, path).rows.map((one) => [one.row, one]));

function remarksOf({ followed, judged = [] }: ScoredRow, { instructions = [] }: EvalRow): string[] {
  const broken = instructions.filter((_, k) => followed?.strict[k] === false).map(({ id }) => id);
  const grades = judged.map(({ remark }, k) => (judged.length > 1 ? `Answer ${k + 1}. ${remark}` : remark));
  return [...(broken.length > 0 ? [`Not kept to: ${broken.join(', ')}`] : []), ...grades];
}

const found = (one: ScoredRow | undefined, about: EvalRow): Found | null =>
  one
    ? {
        scores: one.scores,
        answers: (one.answers ?? []).map(({ text }) => text),
        remarks: remarksOf(one, about),
        chosen: one.chosen === undefined ? null : (about.labels?.[one.chosen] ?? null),
        probability: one.probability ?? null,
      }
    : null;

export interface ExampleWish {
  /** Empty: the first that there is. */
  set: string;
  /** Null: the first evaluation, and the last. */
  left: number | null;
  right: number | null;
}

export function readExamples(runDir: string, spec: RunSpec, wish: ExampleWish): RunExamples {
  const all = [DEFAULT_SET, ...spec.evaluation.sets.map(({ name }) => name)];
  const sets = all.filter((set) => recordFiles(runDir, set).size > 0);
  const set = sets.includes(wish.set) ? wish.set : (sets[0] ?? DEFAULT_SET);
  const steps = recordFiles(runDir, set);
  const known = [...steps.keys()];
  const pick = (wanted: number | null, otherwise: number | undefined) =>
    wanted !== null && steps.has(wanted) ? wanted : (otherwise ?? null);
  const [left, right] = [pick(wish.left, known[0]), pick(wish.right, known.at(-1))];
  const at = (step: number | null) =>
    step === null ? new Map<number, ScoredRow>() : readRecord(set, steps.get(step) ?? '');
  const [before, after] = [at(left), at(right)];
  const rows = evaluatedRows(runDir, set).flatMap((about, row): ExampleRow[] => {
    if (!about) return [];
    const [a, b] = [found(before.get(row), about), found(after.get(row), about)];
    if (!a && !b) return [];
    return [{ row, id: about.id, messages: asked(about), expected: expectedOf(about), left: a, right: b }];
  });
  const scores = [...new Set(rows.flatMap((one) => Object.keys((one.right ?? one.left)?.scores ?? {})))];
  return { sets, set, steps: known, left, right, scores, rows };
}

/** One row at every evaluation of which there is a record. */
export function readHistory(runDir: string, set: string, row: number): ExampleHistory {
  const about = evaluatedRows(runDir, set)[row];
  return [...recordFiles(runDir, set)].flatMap(([step, path]) => {
    const one = about ? found(readRecord(set, path).get(row), about) : null;
    return one ? [{ step, found: one }] : [];
  });
}
