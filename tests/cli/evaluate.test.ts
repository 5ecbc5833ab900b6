/** The flags of `collie evaluate` as what is asked of the host. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type EvaluateFlags, requestOf } from '../../electron/cli/evaluate.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-evaluate-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const flags = (given: Partial<EvaluateFlags>): EvaluateFlags => ({
  json: false,
  task: [],
  heldOut: true,
  name: '',
  detach: false,
  allowJudge: [],
  ...given,
});

test('a run alone means its own sets and its newest checkpoint', () => {
  expect(requestOf(flags({ run: 'a', precision: 'fp32' }))).toEqual({
    of: { run: 'a', checkpoint: '' },
    sets: null,
    heldOut: true,
    name: '',
    settings: { precision: 'fp32' },
  });
});

test("sets come from a list or a spec, their data beside the file; a benchmark's file is a set", () => {
  const path = join(folder, 'sets.json');
  const sets = [
    { name: 'mine', data: 'rows.jsonl' },
    { name: 'theirs', data: 'library:x' },
  ];
  writeFileSync(path, JSON.stringify({ evaluation: { sets } }));
  const request = requestOf(flags({ model: 'm', sets: path, task: ['arc=a=b.jsonl'], maxRows: 3 }));
  expect(request.of).toEqual({ model: 'm' });
  expect(request.sets).toEqual([
    { name: 'mine', data: join(folder, 'rows.jsonl'), max_rows: 3 },
    { name: 'theirs', data: 'library:x', max_rows: 3 },
    {
      name: 'arc',
      task: 'arc',
      data: resolve('a=b.jsonl'),
      evaluator: { type: 'classification' },
      max_rows: 3,
    },
  ]);
});

test("IFEval's rows are answered and have metrics of their own", () => {
  const request = requestOf(flags({ model: 'm', task: ['ifeval=input_data.jsonl'] }));
  expect(request.sets).toEqual([
    {
      name: 'ifeval',
      task: 'ifeval',
      data: resolve('input_data.jsonl'),
      evaluator: { type: 'generation', metrics: [], max_new_tokens: 1280 },
    },
  ]);
});

test.each([
  [{}, 'Say what is to be evaluated'],
  [{ run: 'a', model: 'b' }, 'Say what is to be evaluated'],
  [{ model: 'b', checkpoint: 'step-00000001' }, '--checkpoint goes with --run'],
  [{ run: 'a', maxRows: 3 }, '--max-rows goes with'],
  [{ run: 'a', task: ['arcs=x'] }, '--task arcs=x is not task=file'],
  [{ run: 'a', sets: '/nowhere.json' }, '/nowhere.json cannot be read'],
])('%j is refused', (given, message) => {
  expect(() => requestOf(flags(given))).toThrow(message);
});
