import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import {
  chooseCheckpoint,
  listCheckpoints,
  newestCheckpoint,
  rankedCheckpoints,
} from '../../../electron/server/runs/checkpoints.ts';

let run: string;
beforeEach(() => {
  run = mkdtempSync(join(tmpdir(), 'collie-checkpoints-'));
});
afterEach(() => rmSync(run, { recursive: true, force: true }));

function save(name: string, done = true): void {
  const folder = join(run, 'checkpoints', name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'adapter.safetensors'), '12345');
  if (done) writeFileSync(join(folder, 'DONE'), '');
}

/** As the engine writes it. */
function judge(...best: [name: string, value: number][]): void {
  const rows = best.map(([name, value]) => ({ name, step: Number(name.slice(5)), value }));
  const file = { v: 1, by: 'sums/number_match', highest: true, best: rows, measured: rows };
  writeFileSync(join(run, 'checkpoints/best.json'), JSON.stringify(file));
}

test('only folders with DONE are checkpoints', () => {
  save('step-00000010');
  save('step-00000030', false);
  save('step-00000020');
  save('junk');
  expect(listCheckpoints(run)).toEqual([
    { name: 'step-00000010', step: 10, sizeBytes: 5 },
    { name: 'step-00000020', step: 20, sizeBytes: 5 },
  ]);
  expect(newestCheckpoint(run)?.step).toBe(20);
});

test('the best have a place and their value', () => {
  for (const name of ['step-00000010', 'step-00000020', 'step-00000030']) save(name);
  judge(['step-00000020', 0.5], ['step-00000010', 0.25]);
  expect(rankedCheckpoints(run).map(({ step, best }) => [step, best])).toEqual([
    [10, { place: 2, value: 0.25 }],
    [20, { place: 1, value: 0.5 }],
    [30, null],
  ]);
});

test('one is meant by its name, as the newest, or as the best', () => {
  for (const name of ['step-00000010', 'step-00000020', 'step-00000030']) save(name);
  judge(['step-00000020', 0.5]);
  expect(chooseCheckpoint(run, 'r', '')).toBe('step-00000030');
  expect(chooseCheckpoint(run, 'r', 'best')).toBe('step-00000020');
  expect(chooseCheckpoint(run, 'r', 'step-00000010')).toBe('step-00000010');
});

test('what is not there is said, with what is', () => {
  expect(() => chooseCheckpoint(run, 'r', '')).toThrow(/^The run r has no complete checkpoint yet\.$/);
  save('step-00000010');
  expect(() => chooseCheckpoint(run, 'r', 'step-00000099')).toThrow('no complete checkpoint step-00000099');
  try {
    chooseCheckpoint(run, 'r', 'best');
    expect.unreachable();
  } catch (thrown) {
    expect(thrown).toMatchObject({
      code: 'checkpoint.not_found',
      message: 'The run r has no checkpoint that is the best by a metric.',
      hint: 'Set checkpoint.best_by, and the best are kept. It has step-00000010.',
    });
  }
});

test.each(['', '{', '{"v":1}', '{"best":[{"name":7}]}'])(
  'a best.json of %j takes only the marks away',
  (text) => {
    save('step-00000010');
    writeFileSync(join(run, 'checkpoints/best.json'), text);
    expect(rankedCheckpoints(run).map(({ best }) => best)).toEqual([null]);
  },
);

test('a best checkpoint that is gone leaves its place to none', () => {
  save('step-00000010');
  judge(['step-00000020', 0.5], ['step-00000010', 0.25]);
  expect(rankedCheckpoints(run).map(({ best }) => best?.place)).toEqual([2]);
  expect(() => chooseCheckpoint(run, 'r', 'best')).toThrow('no checkpoint that is the best');
});
