/** What an evaluation of a run's checkpoint, or of a base model, is made of. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type EvaluationRequest, planEvaluation } from '../../../electron/server/evaluation/plan.ts';
import { RunRegistry } from '../../../electron/server/runs/registry.ts';
import { methods } from '../../../electron/shared/api/api.ts';
import { runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import { exampleSpec } from '../../supervisor/harness.ts';

let home: string;
let runs: RunRegistry;
let id: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'collie-evaluations-'));
  runs = new RunRegistry(home);
  const spec = exampleSpec(home);
  const sets = [{ name: 'own', data: '/d.jsonl' }];
  id = runs.create(runSpecSchema.parse({ ...spec, evaluation: { sets }, parallel: { dp_size: 2 } }));
  for (const step of ['step-00000010', 'step-00000020']) {
    const folder = join(runs.dir(id), 'checkpoints', step);
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'DONE'), '');
  }
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const request = (given: object): EvaluationRequest =>
  methods['evaluations.start'].params.parse({ of: { run: id }, sets: null, ...given });

test('it has the settings of the run on one rank, its sets, and its newest checkpoint', () => {
  const { spec, evaluates } = planEvaluation(request({}), runs, '');
  expect(evaluates).toEqual({ v: 1, of: { run: id, checkpoint: 'step-00000020' }, held_out: false });
  const parsed = runSpecSchema.parse(spec);
  expect(parsed).toMatchObject({ method: runs.spec(id).method, parallel: { dp_size: 1 } });
  expect(parsed.evaluation.sets.map(({ name }) => name)).toEqual(['own']);
  expect(parsed.name).toBe(`Evaluation of ${runs.spec(id).name}, step 20`);
});

test('held-out rows are evaluated where the run has any', () => {
  mkdirSync(join(runs.dir(id), 'data'), { recursive: true });
  writeFileSync(join(runs.dir(id), 'data/eval.offsets.u64'), '');
  expect(planEvaluation(request({}), runs, '').evaluates.held_out).toBe(true);
  expect(planEvaluation(request({ heldOut: false }), runs, '').evaluates.held_out).toBe(false);
});

test('a base model gets a whole spec of its sets alone', () => {
  const sets = [{ name: 'arc', data: '/arc.jsonl', task: 'arc', evaluator: { type: 'classification' } }];
  const asked = request({ of: { model: 'library:m' }, sets, settings: { seqLen: 64, precision: 'fp32' } });
  const { spec, evaluates } = planEvaluation(asked, runs, 'M');
  expect(evaluates).toEqual({ v: 1, of: null, held_out: false });
  expect(runSpecSchema.parse(spec)).toMatchObject({
    name: 'Evaluation of M',
    model: 'library:m',
    precision: 'fp32',
    batch: { seq_len: 64 },
    evaluation: { sets: [{ name: 'arc', task: 'arc' }] },
  });
});

test('what cannot be evaluated is said', () => {
  expect(() => planEvaluation(request({ of: { run: id, checkpoint: 'step-00000015' } }), runs, '')).toThrow(
    /no complete checkpoint step-00000015/,
  );
  expect(() => planEvaluation(request({ of: { run: 'gone' } }), runs, '')).toThrow(/no run gone/);
  const evaluates = { v: 1, of: { run: id, checkpoint: 'step-00000020' }, held_out: false } as const;
  const own = runs.create(runs.spec(id), { evaluates });
  expect(runs.evaluates(own)).toEqual(evaluates);
  expect(() => planEvaluation(request({ of: { run: own } }), runs, '')).toThrow(/is an evaluation/);
});
