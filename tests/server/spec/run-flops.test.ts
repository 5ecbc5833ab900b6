import { expect, test } from 'vitest';
import { meanContext } from '../../../electron/server/spec/run-flops.ts';

test('a query sees half of its own document: long ones count by their tokens', () => {
  const offsets = (...values: number[]) => Buffer.from(new BigUint64Array(values.map(BigInt)).buffer);
  expect(meanContext(offsets(0, 100, 200))).toBe(100);
  expect(meanContext(offsets(0, 10, 100))).toBe(82); // (10 * 10 + 90 * 90) / 100
  expect(meanContext(offsets(2 ** 33, 2 ** 33 + 100, 2 ** 33 + 200))).toBe(100);
  expect(meanContext(offsets(0, 1))).toBe(8);
  expect(meanContext(Buffer.alloc(0))).toBe(8);
});
