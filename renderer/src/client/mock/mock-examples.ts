/** Evaluated rows that get better over the steps. */
import type { ExampleHistory, Found, RunExamples } from '../../../../electron/shared/api/examples.ts';

const STEPS = [0, 40, 80];
const questions = [
  'How do I reset it?',
  'What does the red light mean?',
  'Which cable is in the box?',
  'Is it loud?',
];
const answers = ['Hold the button for ten seconds.', 'It is charging.', 'A USB-C cable.', 'No, it is quiet.'];

function found(set: string, row: number, step: number): Found {
  const learned = (step / 80) * (1 - row / 8);
  const nothing = { chosen: null, probability: null, answers: [], remarks: [] };
  if (set === 'eval') return { ...nothing, scores: { loss: 3 - 2 * learned, token_accuracy: learned } };
  const right = learned > 0.5;
  return {
    ...nothing,
    answers: [right ? (answers[row] ?? '') : 'I am not sure.'],
    scores: { exact_match: Number(right), rougeL: right ? 1 : learned / 2 },
  };
}

export function mockExamples(lastStep: number, wanted: string): RunExamples {
  const set = wanted || 'eval';
  const steps = STEPS.filter((step) => step <= lastStep);
  const [left, right] = [steps[0] ?? null, steps.at(-1) ?? null];
  return {
    sets: ['eval', 'manual'],
    set,
    steps,
    left,
    right,
    scores: set === 'eval' ? ['loss', 'token_accuracy'] : ['exact_match', 'rougeL'],
    rows: questions.map((content, row) => ({
      row,
      id: `${row}a5c0ffee0000000`.slice(0, 16),
      messages: [{ role: 'user', content }],
      expected: [answers[row] ?? ''],
      left: left === null ? null : found(set, row, left),
      right: right === null ? null : found(set, row, right),
    })),
  };
}

export const mockHistory = (set: string, row: number): ExampleHistory =>
  STEPS.map((step) => ({ step, found: found(set, row, step) }));
