/** Which rows of an evaluation set are evaluated: those whose content has the smallest hashes, so that they are the same in every run. */

import { CollieError } from '../../shared/errors.ts';
import type { EvaluationSetSpec } from '../../shared/spec/evaluation-sets.ts';
import type { Mapping } from '../../shared/spec/run-spec.ts';
import { taskColumns, taskExample } from '../evaluation/tasks.ts';
import type { DatasetSource } from './folder.ts';
import { checkColumns } from './library.ts';
import { mappedColumns, rowChat } from './messages.ts';
import { hash64, rowHashes } from './row-record.ts';
import { type Row, readBatches } from './rows.ts';
import { type ChosenRow, split } from './set-examples.ts';
import { UnusableTally } from './unusable.ts';

/** Labels found in the data beyond this many are no classes. */
export const MOST_LABELS = 200;

export interface ChosenRows {
  rows: ChosenRow[];
  /** Rows that the data has, and those that cannot be read. */
  total: number;
  unusable: UnusableTally;
  /** Different answers of all rows, sorted; null: more than can be labels. */
  answers: string[] | null;
}

export interface RowReading {
  set: EvaluationSetSpec;
  /** Of the set, or of the training data. */
  mapping: Mapping;
  systemPrompt: string;
  signal?: AbortSignal | undefined;
}

/** Columns that are read. Throws dataset.missing_column. */
export function columnsOf(
  source: DatasetSource,
  { set, mapping }: Pick<RowReading, 'set' | 'mapping'>,
): string[] {
  const names = source.card.columns.map(({ name }) => name);
  if (set.task !== null) {
    const { columns, missing } = taskColumns(set.task, names);
    if (missing !== null) throw missingColumn(source, missing, names, `Files of ${set.task} have it.`);
    return columns;
  }
  checkColumns(source.card, mapping);
  const { evaluator } = set;
  const own = evaluator.type === 'classification' && evaluator.choices !== null ? [evaluator.choices] : [];
  const lacking = own.find((column) => !names.includes(column));
  if (lacking !== undefined) throw missingColumn(source, lacking, names, 'Choose one of these columns.');
  return [...mappedColumns(mapping), ...own];
}

const missingColumn = ({ card }: DatasetSource, column: string, columns: string[], hint: string) =>
  new CollieError(
    'dataset.missing_column',
    `The dataset "${card.name}" has no column "${column}". It has: ${columns.join(', ')}.`,
    hint,
    { column, columns },
  );

interface Candidate {
  key: string;
  row: ChosenRow;
}

const byKey = (a: Candidate, b: Candidate) =>
  a.key < b.key ? -1 : a.key > b.key ? 1 : a.row.index - b.row.index;

/** The `most` smallest keys, each once. */
class Smallest {
  #kept: Candidate[] = [];
  readonly #most: number;

  constructor(most: number) {
    this.#most = most;
  }

  add(candidate: Candidate): void {
    this.#kept.push(candidate);
    if (this.#kept.length > 4 * this.#most + 1024) this.#kept = this.rows();
  }

  rows(): Candidate[] {
    const sorted = this.#kept.sort(byKey);
    return sorted.filter((one, k) => one.key !== sorted[k - 1]?.key).slice(0, this.#most);
  }
}

/** Reads all rows, keeps those to evaluate. Throws dataset.missing_column, job.cancelled; dataset.bad_row when no row of many is of use. */
export async function chooseRows(source: DatasetSource, reading: RowReading): Promise<ChosenRows> {
  const { set, signal } = reading;
  const smallest = new Smallest(set.max_rows);
  const unusable = new UnusableTally();
  const answers = new Set<string>();
  let total = 0;
  await readBatches(
    source.rowsPath,
    columnsOf(source, reading),
    async (rows, first) => {
      for (const [k, row] of rows.entries()) {
        total += 1;
        try {
          const candidate = candidateOf(row, first + k, reading);
          smallest.add(candidate);
          if ('chat' in candidate.row && answers.size <= MOST_LABELS)
            answers.add((split(candidate.row.chat).answer.content ?? '').trim());
        } catch (error) {
          unusable.add(error, first + k);
        }
      }
    },
    { signal },
  );
  const rows = smallest.rows().map(({ row }) => row);
  return {
    rows: rows.sort((a, b) => a.index - b.index),
    total,
    unusable,
    answers: answers.size > MOST_LABELS ? null : [...answers].sort(),
  };
}

function candidateOf(row: Row, index: number, { set, mapping, systemPrompt }: RowReading): Candidate {
  if (set.task !== null) {
    const task = taskExample(set.task, row, index);
    return { key: hash64(JSON.stringify(task)).toString('hex'), row: { index, row, task } };
  }
  const chat = rowChat(row, index, mapping, systemPrompt);
  const said = rowChat(row, index, mapping, '').messages;
  return { key: rowHashes(said).id.toString('hex'), row: { index, row, chat, said } };
}
