/** The per-example record of a run, and the rows of two groups joined by what they say. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ComparisonView } from '../../shared/runs/comparison.ts';
import type { EvalRow, ScoredRow } from '../../shared/runs/evaluation-rows.ts';
import { DEFAULT_SET } from '../../shared/runs/event-line.ts';
import { metricInfo } from '../../shared/runs/metrics.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import { rowHashesFile } from '../datasets/row-record.ts';
import {
  evaluatedRows,
  type RecordHead,
  readHead,
  readScoredRows,
  recordFiles,
} from '../evaluation/row-records.ts';

/** One row as one run judged it. */
export interface JudgedRow extends Omit<ScoredRow, 'row'> {
  about: EvalRow;
}

/** Rows by their id. */
export interface RunRecord {
  step: number;
  rows: Map<string, JudgedRow>;
  /** Rows that could not be read. */
  torn: number;
}

/** A record, or why there is none, behind the name of the run. */
export type Recorded = { record: RunRecord } | { problem: string };

export interface RecordWish {
  set: string;
  which: ComparisonView['record'];
  /** Of a named set: by what an evaluation is the best. */
  metric: string;
}

/** The record of one evaluation of one set. */
export function readRecord(runDir: string, wish: RecordWish): Recorded {
  const files = [...recordFiles(runDir, wish.set)];
  const about = evaluatedRows(runDir, wish.set);
  const chosen = wish.which === 'first' ? files[0] : wish.which === 'last' ? files.at(-1) : best(files, wish);
  if (!chosen || about.length === 0) return { problem: missingRecord(wish.set) };
  const [step, path] = chosen;
  const { rows, torn } = readScoredRows(wish.set, path);
  const judged = new Map<string, JudgedRow>();
  let unknown = 0;
  for (const { row, ...found } of rows) {
    const known = about[row];
    if (known) judged.set(known.id, { about: known, ...found });
    else unknown += 1;
  }
  if (judged.size === 0)
    return {
      problem: `has a record of step ${step} of which no row can be read: its file is cut off or damaged`,
    };
  return { record: { step, rows: judged, torn: torn + unknown } };
}

const missingRecord = (set: string) =>
  set === DEFAULT_SET
    ? 'has no per-example record: older runs, and runs that have not evaluated yet, have none'
    : `has not evaluated a row of "${set}"`;

/** The step with the best value; of equal ones, and where there are none, the earliest. */
function best(files: readonly [number, string][], { set, metric }: RecordWish): [number, string] | undefined {
  const sign = set === DEFAULT_SET || metricInfo(metric).better === 'lower' ? 1 : -1;
  const costOf = (head: RecordHead | null) => {
    const value = set === DEFAULT_SET ? head?.loss : head?.metrics?.[metric];
    return value === null || value === undefined ? Number.POSITIVE_INFINITY : sign * value;
  };
  const valued = files.map((file) => ({ file, value: costOf(readHead(file[1])) }));
  return valued.sort((a, b) => (a.value === b.value ? 0 : a.value - b.value))[0]?.file;
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

/** A row that both groups evaluated, as each of their runs judged it. */
export interface JoinedRow {
  about: EvalRow;
  baseline: readonly JudgedRow[];
  candidate: readonly JudgedRow[];
  /** All saw the same token ids and targets. */
  sameTokens: boolean;
}

export interface Joined {
  rows: JoinedRow[];
  /** Rows that each of the two evaluated. */
  baselineRows: number;
  candidateRows: number;
}

/** Rows that both groups evaluated, each once. A row counts as judged on the same tokens only where all of them saw the same. */
export function joinRows(baseline: readonly RunRecord[], candidate: readonly RunRecord[]): Joined {
  const [a, b] = [gather(baseline), gather(candidate)];
  const rows: JoinedRow[] = [];
  for (const [id, mine] of a) {
    const theirs = b.get(id);
    if (!theirs) continue;
    const [first] = mine as [JudgedRow];
    rows.push({
      about: first.about,
      baseline: mine,
      candidate: theirs,
      sameTokens: [...mine, ...theirs].every(
        (row) => row.about.tokens_id === first.about.tokens_id && row.targets === first.targets,
      ),
    });
  }
  return { rows, baselineRows: a.size, candidateRows: b.size };
}

function gather(records: readonly RunRecord[]): Map<string, JudgedRow[]> {
  const rows = new Map<string, JudgedRow[]>();
  for (const record of records)
    for (const [id, row] of record.rows) {
      const others = rows.get(id);
      if (others) others.push(row);
      else rows.set(id, [row]);
    }
  return rows;
}
