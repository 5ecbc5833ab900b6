/** What two runs were trained and evaluated on, and in what that differs. */
import { createHash } from 'node:crypto';
import type { DataDifference } from '../../shared/runs/comparison.ts';
import type { EvalRow } from '../../shared/runs/evaluation-rows.ts';
import { evaluatedRows } from '../evaluation/row-records.ts';
import { readRowHashes } from './examples.ts';
import type { RunFacts } from './facts.ts';
import { written } from './settings.ts';

type Hashes = NonNullable<ReturnType<typeof readRowHashes>>;

const share = (part: number, all: number) => (all === 0 ? 'none' : `${((100 * part) / all).toFixed(1)} %`);

/** Equal for the same rows in any order. */
const contentHash = (rows: Hashes | null) =>
  rows === null
    ? 'not recorded'
    : createHash('sha256')
        .update(
          rows
            .map(({ id }) => id)
            .sort()
            .join(''),
        )
        .digest('hex')
        .slice(0, 16);

/** Rows only one has; a row that begins alike and goes on otherwise counts as changed. */
export function rowChanges(
  before: Hashes,
  after: Hashes,
): { added: number; removed: number; changed: number } {
  const [a, b] = [new Set(before.map(({ id }) => id)), new Set(after.map(({ id }) => id))];
  const gone = before.filter(({ id }) => !b.has(id));
  const fresh = after.filter(({ id }) => !a.has(id));
  const open = new Map<string, number>();
  for (const { conversation } of gone) open.set(conversation, (open.get(conversation) ?? 0) + 1);
  let changed = 0;
  for (const { conversation } of fresh) {
    const left = open.get(conversation) ?? 0;
    if (left === 0) continue;
    open.set(conversation, left - 1);
    changed += 1;
  }
  return { added: fresh.length - changed, removed: gone.length - changed, changed };
}

/** "prompt: question, answer: reply": the columns that are used, by what they are used for. */
const columnsText = (mapping: object | undefined) =>
  Object.entries(mapping ?? {})
    .filter(([key, value]) => key !== 'kind' && value !== null)
    .map(([key, value]) => `${key}: ${String(value)}`)
    .join(', ') || 'none';

const overlap = (train: Hashes | null, evaluated: Hashes | null): number | null => {
  if (train === null || evaluated === null) return null;
  const ids = new Set(train.map(({ id }) => id));
  return evaluated.filter(({ id }) => ids.has(id)).length;
};

interface Side {
  run: RunFacts;
  train: Hashes | null;
  evaluated: Hashes | null;
}

const setsOfBoth = (...runs: readonly RunFacts[]) => [
  ...new Set(runs.flatMap(({ spec }) => spec?.evaluation.sets.map(({ name }) => name) ?? [])),
];

/** What a named set holds: how many rows, which, and how many of them it was trained on. */
function setRows(
  set: string,
  sides: readonly Side[],
  row: (title: string, of: (side: Side) => string) => DataDifference['rows'][number],
): DataDifference['rows'] {
  const held = new Map(
    sides.map(({ run }) => [run, evaluatedRows(run.dir, set).filter((one) => one !== null)] as const),
  );
  const of = (told: (rows: EvalRow[], side: Side) => string) => (side: Side) => {
    const rows = held.get(side.run) ?? [];
    return rows.length === 0 ? 'none' : told(rows, side);
  };
  return [
    row(
      `Rows of "${set}"`,
      of((rows) => String(rows.length)),
    ),
    row(`Content of "${set}"`, of(contentHash)),
    row(
      `Rows of "${set}" that it was trained on`,
      of((rows, { train }) => String(overlap(train, rows) ?? 'not recorded')),
    ),
  ];
}

export function dataDifference(baseline: RunFacts, candidate: RunFacts): DataDifference {
  const sides = [baseline, candidate].map(
    (run): Side => ({
      run,
      train: readRowHashes(run.dir, 'train'),
      evaluated: readRowHashes(run.dir, 'eval'),
    }),
  );
  const row = (title: string, of: (side: Side) => string) => {
    const [a, b] = sides.map(of) as [string, string];
    return { title, baseline: a, candidate: b, differs: a !== b };
  };
  const train = (of: (tally: NonNullable<RunFacts['meta']>['train']) => string) => (side: Side) =>
    side.run.meta ? of(side.run.meta.train) : 'not recorded';
  const rows = [
    row('Training data', ({ run }) => run.spec?.dataset.train ?? 'unreadable'),
    row('Content of the training rows', ({ train: hashes }) => contentHash(hashes)),
    row(
      'Training rows',
      train((tally) => String(tally.documents)),
    ),
    row(
      'Training tokens',
      train((tally) => String(tally.tokens)),
    ),
    row(
      'Tokens that the loss counts',
      train((tally) => share(tally.trainedTokens, tally.tokens)),
    ),
    row(
      'Truncated rows',
      train((tally) => String(tally.tooLong - tally.dropped)),
    ),
    row(
      'Rows left out',
      train((tally) => String(tally.dropped + tally.masked)),
    ),
    row('Content of the evaluation rows', ({ evaluated }) => contentHash(evaluated)),
    row('Evaluation rows', ({ run }) => String(run.meta?.eval?.documents ?? 0)),
    row('Evaluation rows that it was trained on', (side) =>
      String(overlap(side.train, side.evaluated) ?? 'not recorded'),
    ),
    ...setsOfBoth(baseline, candidate).flatMap((set) => setRows(set, sides, row)),
    row('Columns', ({ run }) => columnsText(run.spec?.dataset.mapping)),
    row('System prompt', ({ run }) => written(run.spec?.dataset.system_prompt)),
    row('Tokenizer', ({ run }) =>
      (run.meta?.vocabulary ?? run.meta?.tokenizer ?? 'not recorded').slice(0, 16),
    ),
    row('Chat template', ({ run }) => (run.meta?.template ?? 'not recorded').slice(0, 16)),
  ];
  const [a, b] = sides as [Side, Side];
  const notes: string[] = [];
  if (a.train && b.train) {
    const { added, removed, changed } = rowChanges(a.train, b.train);
    notes.push(
      added + removed + changed === 0
        ? 'Both were trained on the same rows.'
        : `Training rows: ${added} added, ${removed} removed, ${changed} changed (same beginning, another answer).`,
    );
    const crossed = overlap(a.train, b.evaluated);
    if (crossed)
      notes.push(
        `${crossed} rows that the candidate is evaluated on are among the baseline's training rows.`,
      );
    const back = overlap(b.train, a.evaluated);
    if (back)
      notes.push(`${back} rows that the baseline is evaluated on are among the candidate's training rows.`);
  } else
    notes.push('Which rows one of them was trained on is not recorded: it was made by an older version.');
  return { rows, notes };
}
