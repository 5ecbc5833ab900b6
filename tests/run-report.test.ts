/** tests/run-report.mjs: what the reports of one run, or of two, come to. */
import { resolve } from 'node:path';
import { expect, test } from 'vitest';
// @ts-expect-error -- plain JavaScript, as it runs before anything is compiled.
import { countsOf, countsOfBoth, worthAnotherTry } from './run-report.mjs';

const file = (name: string, tests: Record<string, string>, status = 'passed') => ({
  name: resolve(import.meta.dirname, '..', name),
  status,
  message: 'no such module\nat line 1',
  assertionResults: Object.entries(tests).map(([fullName, state]) => ({
    fullName,
    status: state,
    failureMessages: state === 'failed' ? ['Error: late\n  at here'] : [],
  })),
});
const good = file('tests/good.test.ts', { one: 'passed', two: 'skipped' });

test('what failed is counted and named, a file that does not load as well', () => {
  const broken = file('tests/broken.test.ts', {}, 'failed');
  const bad = file('tests/bad.test.ts', { three: 'failed' }, 'failed');
  expect(countsOf({ status: 1, files: [good, broken, bad] })).toEqual({
    passed: 1,
    failed: 1,
    skipped: 1,
    failures: [
      'tests/broken.test.ts: (the file as a whole)\n    no such module',
      'tests/bad.test.ts: three\n    Error: late',
    ],
  });
  expect(countsOf({ status: 1, files: [good, broken] }).failed).toBe(1);
});

test('what passes at the second try is counted as passed and named as flaky; what fails again has failed', () => {
  const first = {
    status: 1,
    files: [good, file('tests/bad.test.ts', { three: 'failed', four: 'failed' }, 'failed')],
  };
  expect(worthAnotherTry(first)).toEqual(['tests/bad.test.ts']);
  const second = (three: string, four: string, status: number) => ({
    status,
    files: [file('tests/bad.test.ts', { three, four })],
  });
  expect(countsOfBoth(first, second('passed', 'passed', 0))).toEqual({
    passed: 3,
    failed: 0,
    skipped: 1,
    failures: [],
    flaky: ['tests/bad.test.ts: three\n    Error: late', 'tests/bad.test.ts: four\n    Error: late'],
  });
  const again = countsOfBoth(first, second('passed', 'failed', 1));
  expect(again.failures).toEqual(['tests/bad.test.ts: four\n    Error: late']);
  expect(again.flaky).toEqual(['tests/bad.test.ts: three\n    Error: late']);
  expect(again.failed).toBe(1);
});

test('many failed files are no chance', () => {
  const files = ['a', 'b', 'c'].map((name) => file(`tests/${name}.test.ts`, { one: 'failed' }, 'failed'));
  expect(worthAnotherTry({ status: 1, files })).toEqual([]);
});
