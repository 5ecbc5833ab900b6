import { expect, test } from 'vitest';
import { packColumn, unpackColumn } from '../../../electron/shared/runs/column-codec.ts';

const HEADER = 8;
const ROWS = 100;
const rows = (value: (row: number) => number) => Float64Array.from({ length: ROWS }, (_, row) => value(row));
const gaps = rows((row) => (row % 3 === 0 ? Number.NaN : row / 7));

test.each([
  ['one value', rows(() => 0.1), 8],
  ['nothing but gaps', rows(() => Number.NaN), 8],
  ['even counts', rows((row) => 1312 * (row + 1)), 16],
  ['whole numbers', rows((row) => 1_240_000_000 + (row % 7)), 4 * ROWS],
  ['single precision', rows((row) => Math.fround(row / 7)), 4 * ROWS],
  ['doubles', rows((row) => row / 7), 8 * ROWS],
  ['gaps', gaps, 8 * ROWS],
  ['whole numbers that do not fit', rows((row) => 2 ** 40 + (row % 7)), 8 * ROWS],
  ['zeros of both signs', rows((row) => (row % 2 ? -0 : 0)), 4 * ROWS],
  ['one row', Float64Array.of(2.5), 8],
] as const)('%s come back to the bit, in no more bytes than needed', (_, column, bytes) => {
  const packed = packColumn(column);
  expect(packed.byteLength).toBe(HEADER + bytes);
  expect(unpackColumn(packed, column.length)).toEqual(column);
});

test('bytes that are no column of so many values are refused', () => {
  const packed = packColumn(rows(() => 3));
  expect(() => unpackColumn(packed, ROWS + 1)).toThrow(RangeError);
  expect(() => unpackColumn(packed.subarray(0, 12), ROWS)).toThrow(RangeError);
  expect(() => unpackColumn(new Uint8Array(), ROWS)).toThrow(RangeError);
  expect(() => unpackColumn(Uint8Array.of(9, 0, 0, 0, 100, 0, 0, 0), ROWS)).toThrow(RangeError);
});
