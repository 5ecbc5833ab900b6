/** Named evaluation sets of runs that were never evaluated on them: rows and records as host and supervisor write them (docs/run-folder.md). */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { z } from 'zod';
import type { EvalRow, ScoredRow } from '../../electron/shared/runs/evaluation-rows.ts';
import { setRecord, setRowsFile } from '../../electron/shared/runs/run-folder.ts';
import { evaluationSetSchema } from '../../electron/shared/spec/evaluation-sets.ts';

export interface MadeRow {
  about: EvalRow;
  found: Omit<ScoredRow, 'row'>;
}

const hash = (k: number) => k.toString(16).padStart(16, '0');

interface About {
  /** Rows of one conversation share it. */
  conversation?: number;
  tokens?: string;
}

const about = (
  k: number,
  { conversation = k, tokens = hash(k) }: About,
  more: Partial<EvalRow>,
): EvalRow => ({
  id: hash(k),
  conversation: hash(conversation),
  tokens_id: tokens,
  source_row: k,
  tokens: 10 + k,
  answer_bytes: null,
  messages: [
    { role: 'user', content: `What is ${k} plus ${k}?` },
    { role: 'assistant', content: String(2 * k) },
  ],
  ...more,
});

/** An answer that is right, or has another number. */
export const answered = (k: number, right: boolean, more: About = {}): MadeRow => ({
  about: about(k, more, { references: [String(2 * k)] }),
  found: {
    answers: [{ text: right ? `The sum is ${2 * k}` : `The sum is surely ${2 * k + 1}`, finish: 'stop' }],
    scores: { number_match: Number(right), word_f1: right ? 0.5 : 0 },
  },
});

/** A label of two that is right, or the other. */
export const chose = (k: number, right: boolean, more: About = {}): MadeRow => ({
  about: about(k, more, { labels: ['even', 'odd'], label: k % 2, first_document: 2 * k }),
  found: {
    loss: right ? 0.25 : 2,
    targets: 1,
    correct: Number(right),
    chosen: right ? k % 2 : 1 - (k % 2),
    probability: 0.75,
    losses: [0.25, 2],
    scores: { accuracy: Number(right), accuracy_norm: Number(right) },
  },
});

/** The given answer with this loss a token. */
export const likely = (k: number, loss: number, more: About = {}): MadeRow => ({
  about: about(k, more, { answer_bytes: 8 }),
  found: { loss: 4 * loss, targets: 4, correct: loss < 1 ? 4 : 1, scores: { loss } },
});

export type MadeSet = z.input<typeof evaluationSetSchema>;

export const sums: MadeSet = {
  name: 'sums',
  data: '/data/sums.jsonl',
  evaluator: { type: 'generation', metrics: ['number_match', 'word_f1'], max_new_tokens: 20 },
};
export const parity: MadeSet = {
  name: 'parity',
  data: '/data/parity.jsonl',
  evaluator: { type: 'classification' },
};
export const manual: MadeSet = { name: 'manual', data: '/data/manual.jsonl' };

/** Puts a set into the spec of a run, with one record. Rows are not written where there are none. */
export function addSet(runDir: string, made: MadeSet, rows: readonly MadeRow[], step = 3): void {
  const specFile = join(runDir, 'spec.json');
  const spec = JSON.parse(readFileSync(specFile, 'utf8'));
  const set = evaluationSetSchema.parse(made);
  spec.evaluation.sets = [...spec.evaluation.sets.filter(({ name }: MadeSet) => name !== set.name), set];
  writeFileSync(specFile, JSON.stringify(spec));
  if (rows.length === 0) return;
  const lines = (values: readonly unknown[]) => values.map((value) => `${JSON.stringify(value)}\n`).join('');
  const record = join(runDir, setRecord(set.name, step));
  mkdirSync(dirname(record), { recursive: true });
  mkdirSync(join(runDir, 'data'), { recursive: true });
  writeFileSync(join(runDir, setRowsFile(set.name)), lines(rows.map((one) => one.about)));
  const head = { v: 2, step, rows: rows.length, metrics: meansOf(rows) };
  writeFileSync(record, lines([head, ...rows.map(({ found }, row) => ({ row, ...found }))]));
}

function meansOf(rows: readonly MadeRow[]): Record<string, number> {
  const names = Object.keys(rows[0]?.found.scores ?? {});
  const mean = (name: string) =>
    rows.reduce((sum, { found }) => sum + (found.scores[name] ?? 0), 0) / rows.length;
  return Object.fromEntries(names.map((name) => [name, mean(name)]));
}
