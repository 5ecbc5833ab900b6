/** The per-example record of a run, and the rows of two groups joined by what they say. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ComparisonView } from '../../shared/runs/comparison.ts';
import {
  type EvalRow,
  evalRowSchema,
  evaluatedRowSchema,
  evaluationHeadSchema,
  evaluationStep,
} from '../../shared/runs/evaluation-rows.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import { EVAL_ROWS_FILE, rowHashesFile } from '../datasets/row-record.ts';

/** One row as one run judged it. */
export interface JudgedRow {
  about: EvalRow;
  loss: number;
  targets: number;
  correct: number;
}

export interface RunRecord {
  step: number;
  rows: Map<string, JudgedRow>;
}

/** The record of one evaluation. null: the run has none (it is older, has not evaluated yet, or its folder is half gone). */
export function readRecord(runDir: string, which: ComparisonView['record']): RunRecord | null {
  const folder = join(runDir, runFiles.evaluationsDir);
  const about = join(runDir, runFiles.dataDir, EVAL_ROWS_FILE);
  if (!existsSync(folder) || !existsSync(about)) return null;
  try {
    const names = readdirSync(folder).filter((name) => evaluationStep(name) !== null);
    const found = names.map((name) => {
      const lines = readFileSync(join(folder, name), 'utf8').trimEnd().split('\n');
      return { head: evaluationHeadSchema.parse(JSON.parse(lines[0] as string)), lines: lines.slice(1) };
    });
    found.sort((a, b) => a.head.step - b.head.step);
    const best = found.reduce<(typeof found)[number] | undefined>(
      (a, b) => (a && a.head.loss <= b.head.loss ? a : b),
      undefined,
    );
    const chosen = which === 'best' ? best : which === 'first' ? found[0] : found.at(-1);
    if (!chosen) return null;
    const rows = readFileSync(about, 'utf8').trimEnd().split('\n');
    const judged = chosen.lines.map((line): [string, JudgedRow] => {
      const row = evaluatedRowSchema.parse(JSON.parse(line));
      const known = evalRowSchema.parse(JSON.parse(rows[row.row] as string));
      return [known.id, { about: known, loss: row.loss, targets: row.targets, correct: row.correct }];
    });
    return { step: chosen.head.step, rows: new Map(judged) };
  } catch {
    return null; // torn or half deleted: as if there were none
  }
}

/** Ids (content, conversation) of a split, in order; null where the run has none. */
export function readRowHashes(
  runDir: string,
  split: 'train' | 'eval',
): { id: string; conversation: string }[] | null {
  const path = join(runDir, runFiles.dataDir, rowHashesFile(split));
  if (!existsSync(path)) return null;
  const bytes = readFileSync(path);
  return Array.from({ length: Math.floor(bytes.length / 16) }, (_, k) => ({
    id: bytes.toString('hex', k * 16, k * 16 + 8),
    conversation: bytes.toString('hex', k * 16 + 8, k * 16 + 16),
  }));
}

export interface JoinedRow {
  about: EvalRow;
  baseline: { loss: number; targets: number; correct: number };
  candidate: { loss: number; targets: number; correct: number };
  /** Both saw the same token ids and targets. */
  sameTokens: boolean;
}

export interface Joined {
  rows: JoinedRow[];
  /** Rows that each of the two evaluated. */
  baselineRows: number;
  candidateRows: number;
}

/**
 * Rows that both groups evaluated, each once: where several runs of a group have a row, their mean. A row counts as judged on the same
 * tokens only where all of them saw the same.
 */
export function joinRows(baseline: readonly RunRecord[], candidate: readonly RunRecord[]): Joined {
  const [a, b] = [gather(baseline), gather(candidate)];
  const rows: JoinedRow[] = [];
  for (const [id, mine] of a) {
    const theirs = b.get(id);
    if (!theirs) continue;
    const [first] = mine as [JudgedRow];
    const all = [...mine, ...theirs];
    rows.push({
      about: first.about,
      baseline: average(mine),
      candidate: average(theirs),
      sameTokens: all.every(
        (row) => row.about.tokens_id === first.about.tokens_id && row.targets === first.targets,
      ),
    });
  }
  return { rows, baselineRows: a.size, candidateRows: b.size };
}

function gather(records: readonly RunRecord[]): Map<string, JudgedRow[]> {
  const rows = new Map<string, JudgedRow[]>();
  for (const record of records)
    for (const [id, row] of record.rows) rows.set(id, [...(rows.get(id) ?? []), row]);
  return rows;
}

function average(rows: readonly JudgedRow[]): JoinedRow['baseline'] {
  const over = (value: (row: JudgedRow) => number) =>
    rows.reduce((sum, row) => sum + value(row), 0) / rows.length;
  return {
    loss: over((row) => row.loss),
    targets: over((row) => row.targets),
    correct: over((row) => row.correct),
  };
}
