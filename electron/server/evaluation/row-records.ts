/**
 * The per-example records in a run folder, of the held-out rows and of named sets (docs/run-folder.md), read as far as they are whole: a line that was
 * cut off is left out and counted, a value that is not finite is not there.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
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
import { EVAL_ROWS_FILE } from '../datasets/row-record.ts';

const folderOf = (runDir: string, set: string) =>
  set === DEFAULT_SET ? join(runDir, runFiles.evaluationsDir) : join(runDir, runFiles.evaluationsDir, set);

const rowsPath = (runDir: string, set: string) =>
  set === DEFAULT_SET ? join(runDir, runFiles.dataDir, EVAL_ROWS_FILE) : join(runDir, setRowsFile(set));

/** Each line as an object; null: it is torn, or something else. Empty without the file. */
function lines<T>(path: string, parse: (value: unknown) => T): (T | null)[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8').trimEnd();
  if (text === '') return [];
  return text.split('\n').map((line) => {
    try {
      return parse(JSON.parse(line));
    } catch {
      return null;
    }
  });
}

/** Files of the records by their step, rising. */
export function recordFiles(runDir: string, set: string): Map<number, string> {
  const folder = folderOf(runDir, set);
  if (!existsSync(folder)) return new Map();
  const found = readdirSync(folder).flatMap((name): [number, string][] => {
    const step = evaluationStep(name);
    return step === null ? [] : [[step, join(folder, name)]];
  });
  return new Map(found.sort(([a], [b]) => a - b));
}

/** What the rows are, by their number; null: the line cannot be read. */
export const evaluatedRows = (runDir: string, set: string): (EvalRow | null)[] =>
  lines(rowsPath(runDir, set), (value) => evalRowSchema.parse(value));

const measured = z.number().nullable();
const lossLine = evaluatedRowSchema.extend({ loss: measured });
const scoredLine = scoredRowSchema.extend({
  loss: measured.optional(),
  scores: z.record(z.string(), measured),
});

const finite = (scores: Record<string, number | null>): Record<string, number> =>
  Object.fromEntries(
    Object.entries(scores).filter((entry): entry is [string, number] => Number.isFinite(entry[1])),
  );

function ofLoss(value: unknown): ScoredRow {
  const { row, loss, targets, correct } = lossLine.parse(value);
  const scores = finite({ loss: loss === null ? null : loss / targets, token_accuracy: correct / targets });
  return { row, ...(loss === null ? {} : { loss }), targets, correct, scores };
}

function ofSet(value: unknown): ScoredRow {
  const { loss, scores, ...rest } = scoredLine.parse(value);
  return { ...rest, ...(loss === null || loss === undefined ? {} : { loss }), scores: finite(scores) };
}

const headSchema = z.object({
  rows: z.number().int(),
  /** Of the held-out rows. */
  loss: measured.optional(),
  /** Of a named set. */
  metrics: z.record(z.string(), measured).optional(),
});
export type RecordHead = z.infer<typeof headSchema>;

/** First line of a record; null: it cannot be read. */
export function readHead(path: string): RecordHead | null {
  const [head] = lines(path, (value) => headSchema.safeParse(value).data ?? null);
  return head ?? null;
}

export interface ReadRecord {
  rows: ScoredRow[];
  /** Rows that it should have, and that cannot be read. */
  torn: number;
}

export function readScoredRows(set: string, path: string): ReadRecord {
  const [head, ...rest] = lines<unknown>(path, (value) => value);
  const parse = set === DEFAULT_SET ? ofLoss : ofSet;
  const rows = rest.flatMap((value) => {
    try {
      return [parse(value)];
    } catch {
      return [];
    }
  });
  const meant = headSchema.safeParse(head).data?.rows ?? rest.length;
  return { rows, torn: Math.max(meant, rest.length) - rows.length };
}

/** What is right: the right label, the references, what is to be kept to, or the last answer. */
export function expectedOf({ labels, label, references, instructions, messages }: EvalRow): string[] {
  if (instructions)
    return instructions.map(({ id, settings }) =>
      Object.keys(settings).length > 0 ? `${id} ${JSON.stringify(settings)}` : id,
    );
  if (labels && label !== undefined) return [labels[label] ?? ''];
  if (references) return references;
  const answer = messages.findLast(({ role }) => role === 'assistant');
  return answer ? [answer.content] : [];
}

/** The conversation up to what is to be answered. */
export const asked = ({ messages }: EvalRow): EvalRow['messages'] =>
  messages.at(-1)?.role === 'assistant' ? messages.slice(0, -1) : messages;
