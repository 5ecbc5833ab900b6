/** Evaluated rows in slices. */
import { expect, it } from 'vitest';
import { slicesByColumn, slicesByLength } from '../../../electron/server/compare/slices.ts';
import type { ComparedExample } from '../../../electron/shared/runs/compared-examples.ts';

const example = (k: number): ComparedExample => ({
  id: String(k),
  conversation: String(k),
  messages: [],
  tokens: 10 * (k + 1),
  baseline: 1,
  candidate: k % 2 === 0 ? 0.5 : 2,
  outcome: k % 2 === 0 ? 'won' : 'lost',
});
const examples = Array.from({ length: 16 }, (_, k) => example(k));

it('by length: quarters from the shortest to the longest', () => {
  const slices = slicesByLength([...examples].reverse());
  expect(slices.map(({ title, rows, won, lost }) => [title, rows, won, lost])).toEqual([
    ['10 to 40 tokens', 4, 2, 2],
    ['50 to 80 tokens', 4, 2, 2],
    ['90 to 120 tokens', 4, 2, 2],
    ['130 to 160 tokens', 4, 2, 2],
  ]);
  expect(slices[0]?.difference).toBeCloseTo(0.25, 12);
  expect(slicesByLength(examples.slice(0, 2))).toHaveLength(2);
  expect(slicesByLength([])).toEqual([]);
});

it('by a column: a slice for each value, the most frequent first, the rarest together', () => {
  const few = slicesByColumn(
    examples,
    examples.map((_, k) => (k < 4 ? 'maths' : k < 15 ? 'chat' : null)),
  );
  expect(few.map(({ title, rows }) => [title, rows])).toEqual([
    ['chat', 11],
    ['maths', 4],
    ['none', 1],
  ]);
  const many = slicesByColumn(
    examples,
    examples.map((_, k) => `kind ${k}`),
  );
  expect(many).toHaveLength(13);
  expect(many.at(-1)).toMatchObject({ title: '4 other values', rows: 4 });
});

it('by a column of many numbers: quarters of them', () => {
  const slices = slicesByColumn(
    examples,
    examples.map((_, k) => k / 10),
  );
  expect(slices.map(({ title }) => title)).toEqual(['0 to 0.3', '0.4 to 0.7', '0.8 to 1.1', '1.2 to 1.5']);
});
