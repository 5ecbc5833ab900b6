/** A pattern that never ends on an answer is refused, and others are answered as always. */
import { expect, it } from 'vitest';
import { limited } from '../../../electron/server/evaluation/limited.ts';

it('ends a pattern that takes for ever', () => {
  const regex = /^(a+)+$/u;
  const endless = () => limited('The pattern ^(a+)+$', () => regex.test(`${'a'.repeat(40)}b`));
  expect(endless).toThrow('took longer than 1 s');
});

it('answers as the check does, and passes its errors on', () => {
  expect(limited('x', () => /42/.test('42'))).toBe(true);
  expect(limited('x', () => /42/.test('7'))).toBe(false);
  expect(() =>
    limited('x', () => {
      throw new TypeError('other');
    }),
  ).toThrow('other');
});
