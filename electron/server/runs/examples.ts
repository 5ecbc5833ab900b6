/** What evaluations found row by row, out of the run folder: of the held-out rows and of named sets (docs/run-folder.md). */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExampleHistory, ExampleRow, Found, RunExamples } from '../../shared/api/examples.ts';
import {
  type EvalRow,
  evalRowSchema,
  evaluatedRowSchema,
  evaluationStep,
  type ScoredRow,
  scoredRowSchema,
} from '../../shared/runs/evaluation-rows.ts';
import { DEFAULT_SET } from '../../shared/runs/event-line.ts';
import { runFiles, setRowsFile } from '../../shared/runs/run-folder.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { EVAL_ROWS_FILE } from '../datasets/row-record.ts';

const folderOf = (runDir: string, set: string) =>
  set === DEFAULT_SET ? join(runDir, runFiles.evaluationsDir) : join(runDir, runFiles.evaluationsDir, set);

const rowsPath = (runDir: string, set: string) =>
  set === DEFAULT_SET ? join(runDir, runFiles.dataDir, EVAL_ROWS_FILE) : join(runDir, setRowsFile(set));

/** Lines of a file as objects; those torn by a crash are left out. */
function lines<T>(path: string, parse: (value: unknown) => T, from = 0): T[] {
  if (!existsSync(path)) return [];
  const found = readFileSync(path, 'utf8').trimEnd().split('\n').slice(from);
  return found.flatMap((line) => {
    try {
      return [parse(JSON.parse(line))];
    } catch {
      return [];
    }
  });
}

/** Steps of which there is a record, by name of its file. */
function records(runDir: string, set: string): Map<number, string> {
  const folder = folderOf(runDir, set);
  if (!existsSync(folder)) return new Map();
  const found = readdirSync(folder).flatMap((name): [number, string][] => {
    const step = evaluationStep(name);
    return step === null ? [] : [[step, join(folder, name)]];
  });
  return new Map(found.sort(([a], [b]) => a - b));
}

/** Of a record: what was found, by row. */
function readRecord(set: string, path: string): Map<number, ScoredRow> {
  if (set !== DEFAULT_SET)
    return new Map(lines(path, (value) => scoredRowSchema.parse(value), 1).map((one) => [one.row, one]));
  const rows = lines(path, (value) => evaluatedRowSchema.parse(value), 1);
  return new Map(
    rows.map(({ row, loss, targets, correct }) => [
      row,
      { row, loss, targets, correct, scores: { loss: loss / targets, token_accuracy: correct / targets } },
    ]),
  );
}

const found = (one: ScoredRow | undefined, labels: readonly string[] | undefined): Found | null =>
  one
    ? {
        scores: one.scores,
        answers: (one.answers ?? []).map(({ text }) => text),
        chosen: one.chosen === undefined ? null : (labels?.[one.chosen] ?? null),
        probability: one.probability ?? null,
      }
    : null;

/** The right label, or the references, or the last answer. */
function expectedOf({ labels, label, references, messages }: EvalRow): string[] {
  if (labels && label !== undefined) return [labels[label] ?? ''];
  if (references) return references;
  const answer = messages.findLast(({ role }) => role === 'assistant');
  return answer ? [answer.content] : [];
}

/** The conversation up to what is to be answered. */
const asked = ({ messages }: EvalRow) =>
  messages.at(-1)?.role === 'assistant' ? messages.slice(0, -1) : messages;

export interface ExampleWish {
  /** Empty: the first that there is. */
  set: string;
  /** Null: the first evaluation, and the last. */
  left: number | null;
  right: number | null;
}

export function readExamples(runDir: string, spec: RunSpec, wish: ExampleWish): RunExamples {
  const all = [DEFAULT_SET, ...spec.evaluation.sets.map(({ name }) => name)];
  const sets = all.filter((set) => records(runDir, set).size > 0);
  const set = sets.includes(wish.set) ? wish.set : (sets[0] ?? DEFAULT_SET);
  const steps = records(runDir, set);
  const known = [...steps.keys()];
  const pick = (wanted: number | null, otherwise: number | undefined) =>
    wanted !== null && steps.has(wanted) ? wanted : (otherwise ?? null);
  const [left, right] = [pick(wish.left, known[0]), pick(wish.right, known.at(-1))];
  const at = (step: number | null) =>
    step === null ? new Map<number, ScoredRow>() : readRecord(set, steps.get(step) ?? '');
  const [before, after] = [at(left), at(right)];
  const rows = lines(rowsPath(runDir, set), (value) => evalRowSchema.parse(value)).flatMap(
    (about, row): ExampleRow[] => {
      const [a, b] = [found(before.get(row), about.labels), found(after.get(row), about.labels)];
      if (!a && !b) return [];
      return [{ row, id: about.id, messages: asked(about), expected: expectedOf(about), left: a, right: b }];
    },
  );
  const scores = [...new Set(rows.flatMap((one) => Object.keys((one.right ?? one.left)?.scores ?? {})))];
  return { sets, set, steps: known, left, right, scores, rows };
}

/** One row at every evaluation of which there is a record. */
export function readHistory(runDir: string, set: string, row: number): ExampleHistory {
  const about = lines(rowsPath(runDir, set), (value) => evalRowSchema.parse(value))[row];
  return [...records(runDir, set)].flatMap(([step, path]) => {
    const one = found(readRecord(set, path).get(row), about?.labels);
    return one ? [{ step, found: one }] : [];
  });
}
