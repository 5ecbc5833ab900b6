import { expect, test } from 'vitest';
import type { ExampleRow, Found } from '../../../electron/shared/api/examples.ts';
import { improvement, orderedRows } from '../../../renderer/src/features/monitor/example-rows.ts';

const found = (scores: Record<string, number>, answers: string[] = []): Found => ({
  scores,
  answers,
  remarks: [],
  chosen: null,
  probability: null,
});
const row = (at: number, left: Found | null, right: Found | null, text = `question ${at}`): ExampleRow => ({
  row: at,
  id: `${9 - at}000000000000000`,
  messages: [{ role: 'user', content: text }],
  expected: ['yes'],
  left,
  right,
});

const rows = [
  row(0, found({ loss: 3, bleu: 10 }), found({ loss: 1, bleu: 60 })),
  row(1, found({ loss: 1, bleu: 50 }), found({ loss: 2, bleu: 20 }, ['A cat'])),
  row(2, null, found({ loss: 1.5, bleu: 90 })),
];
const places = (order: Parameters<typeof orderedRows>[1]['order'], score: string, search = '') =>
  orderedRows(rows, { order, score, search }).map((one) => one.row);

test('the worst row is the one of highest loss, or of lowest score', () => {
  expect(places('worst', 'loss')).toEqual([1, 2, 0]);
  expect(places('best', 'loss')).toEqual([0, 2, 1]);
  expect(places('worst', 'bleu')).toEqual([1, 0, 2]);
});

test('the most changed rows come first, those without two values last', () => {
  expect(rows.map((one) => improvement(one, 'loss'))).toEqual([2, -1, null]);
  expect(rows.map((one) => improvement(one, 'bleu'))).toEqual([50, -30, null]);
  expect(places('worse', 'loss')).toEqual([1, 0, 2]);
  expect(places('better', 'bleu')).toEqual([0, 1, 2]);
});

test('a random order is the same every time, and a search looks into questions and answers', () => {
  expect(places('random', 'loss')).toEqual([2, 1, 0]);
  expect(places('file', 'loss', 'QUESTION 2')).toEqual([2]);
  expect(places('file', 'loss', 'cat')).toEqual([1]);
  expect(places('file', 'loss', 'nowhere')).toEqual([]);
});
