// @vitest-environment jsdom
import { renderHook } from '@testing-library/react';
import { expect, it } from 'vitest';
import { useRowBlocks } from '../../../renderer/src/features/runs/use-row-blocks.ts';

const blocksOf = (rows: number) => renderHook(() => useRowBlocks({ current: null }, rows, 38)).result.current;

it('covers the first rows, all of a short list and none of an empty one', () => {
  for (const rows of [0, 1, 5, 6, 7, 20, 200]) {
    const blocks = blocksOf(rows);
    const covered = blocks.flatMap(({ from, to }) => Array.from({ length: to - from }, (_, k) => from + k));
    expect(covered).toEqual(covered.map((_, k) => k));
    expect(covered.length).toBeLessThanOrEqual(rows);
    expect(covered.length).toBeGreaterThanOrEqual(Math.min(rows, 800 / 38));
    expect(new Set(blocks.map(({ key }) => key)).size).toBe(blocks.length);
  }
});

it('a row that comes first leaves the rows of all other blocks together', () => {
  for (let rows = 6; rows < 20; rows++) {
    const [before, after] = [blocksOf(rows), blocksOf(rows + 1)];
    for (const { key, from, to } of before.slice(1))
      expect(after.find((block) => block.key === key)).toEqual({ key, from: from + 1, to: to + 1 });
  }
});
