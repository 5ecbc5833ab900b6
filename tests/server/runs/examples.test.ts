/** Evaluated rows out of a run folder: held-out ones and those of named sets. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';
import { readExamples, readHistory } from '../../../electron/server/runs/examples.ts';
import { setRecord, setRowsFile } from '../../../electron/shared/runs/run-folder.ts';
import { jsonl, scratchFolder, specFor } from '../datasets/fixtures.ts';

const run = scratchFolder('examples');
const spec = specFor('/x.jsonl', {
  evaluation: {
    sets: [
      { name: 'tone', data: '/x' },
      { name: 'said', data: '/x' },
    ],
  },
});
const write = (path: string, rows: readonly unknown[]) => {
  mkdirSync(dirname(join(run, path)), { recursive: true });
  writeFileSync(join(run, path), jsonl(rows));
};
const about = (k: number, more: object = {}) => ({
  id: `${k}`.repeat(16),
  conversation: 'a'.repeat(16),
  tokens_id: 'b'.repeat(16),
  source_row: k,
  tokens: 3,
  answer_bytes: 2,
  messages: [
    { role: 'user', content: `question ${k}` },
    { role: 'assistant', content: `answer ${k}` },
  ],
  ...more,
});
const wish = { set: '', left: null, right: null };

it('a run that has not evaluated has no rows', () => {
  expect(readExamples(run, spec, wish)).toEqual({
    sets: [],
    set: 'eval',
    steps: [],
    left: null,
    right: null,
    scores: [],
    rows: [],
  });
});

it('held-out rows have their losses at the first and the last evaluation, torn lines left out', () => {
  write('data/eval-rows.jsonl', [about(0), about(1)]);
  const head = { v: 1, step: 0, rows: 2, loss: 1, target_tokens: 4 };
  write('evaluations/step-00000000.jsonl', [head, { row: 0, loss: 4, targets: 2, correct: 1 }]);
  write('evaluations/step-00000008.jsonl', [
    head,
    { row: 0, loss: 2, targets: 2, correct: 2 },
    '{"row": 1, "lo',
  ]);
  const found = readExamples(run, spec, wish);
  expect(found).toMatchObject({
    sets: ['eval'],
    steps: [0, 8],
    left: 0,
    right: 8,
    scores: ['loss', 'token_accuracy'],
  });
  expect(found.rows).toEqual([
    {
      row: 0,
      id: '0'.repeat(16),
      messages: [{ role: 'user', content: 'question 0' }],
      expected: ['answer 0'],
      left: {
        scores: { loss: 2, token_accuracy: 0.5 },
        answers: [],
        remarks: [],
        chosen: null,
        probability: null,
      },
      right: {
        scores: { loss: 1, token_accuracy: 1 },
        answers: [],
        remarks: [],
        chosen: null,
        probability: null,
      },
    },
  ]);
});

it('a row of a named set shows what was chosen or answered, at two steps and at all', () => {
  write(setRowsFile('tone'), [about(0, { labels: ['good', 'bad'], label: 1, first_document: 0 })]);
  write(setRowsFile('said'), [about(0, { references: ['yes', 'yeah'] })]);
  const head = (step: number) => ({ v: 2, step, rows: 1, metrics: {} });
  for (const [step, chosen] of [
    [0, 0],
    [4, 0],
    [8, 1],
  ] as const)
    write(setRecord('tone', step), [
      head(step),
      { row: 0, chosen, probability: 0.75, scores: { accuracy: chosen } },
    ]);
  write(setRecord('said', 0), [
    head(0),
    { row: 0, answers: [{ text: 'no', finish: 'stop' }], scores: { exact_match: 0 } },
  ]);
  const tone = readExamples(run, spec, { set: 'tone', left: 4, right: null });
  expect(tone).toMatchObject({ sets: ['eval', 'tone', 'said'], left: 4, right: 8 });
  expect(tone.rows[0]).toMatchObject({
    expected: ['bad'],
    left: { chosen: 'good' },
    right: { chosen: 'bad', probability: 0.75 },
  });
  expect(readHistory(run, 'tone', 0).map(({ step, found }) => [step, found.chosen])).toEqual([
    [0, 'good'],
    [4, 'good'],
    [8, 'bad'],
  ]);
  expect(readExamples(run, spec, { ...wish, set: 'said' }).rows[0]).toMatchObject({
    expected: ['yes', 'yeah'],
    right: { answers: ['no'] },
  });
});
