/** A benchmark that is chosen in the form brings the evaluator that its rows need. */
import { expect, test } from 'vitest';
import { evaluationSetSchema } from '../../../electron/shared/spec/evaluation-sets.ts';
import { specFields } from '../../../electron/shared/spec/spec-fields.ts';
import {
  activeEntryFields,
  offered,
  withTask,
  withVariant,
} from '../../../renderer/src/features/compose/fields/evaluation-sets.ts';

const list = specFields().find(({ path }) => path === 'evaluation.sets');
if (!list) throw new Error('the form has evaluation sets');
const set = { name: 'mine', data: '/x.jsonl', evaluator: { type: 'likelihood' } };

test('choices are classified, instructions are answered, and what was chosen of a classification stays', () => {
  expect(evaluationSetSchema.parse(withTask(list, set, 'arc'))).toMatchObject({
    task: 'arc',
    evaluator: { type: 'classification', normalize: 'none' },
  });
  const chosen = { ...set, evaluator: { type: 'classification', normalize: 'tokens' } };
  expect(withTask(list, chosen, 'arc')).toMatchObject({ evaluator: { normalize: 'tokens' } });
  const asked = withTask(list, chosen, 'ifeval');
  expect(evaluationSetSchema.parse(asked)).toMatchObject({
    task: 'ifeval',
    evaluator: { type: 'generation', metrics: [], max_new_tokens: 1280 },
  });
  expect(withTask(list, asked, null)).toEqual({ ...asked, task: null });
});

test('a judge is off with every evaluator, and its settings come and go with it', () => {
  const shown = (entry: object) =>
    activeEntryFields(list, { ...entry })
      .map(({ path }) => path)
      .filter((path) => path.startsWith('evaluator.judge'));
  expect(shown(set)).toEqual([]);
  const spoken = withVariant(list, set, 'evaluator.type', 'generation');
  expect(spoken.evaluator).toMatchObject({ judge: { type: 'none' } });
  expect(shown(spoken)).toEqual(['evaluator.judge.type']);
  const judged = withVariant(list, spoken, 'evaluator.judge.type', 'endpoint');
  expect(judged.evaluator).toMatchObject({
    metrics: ['exact_match'],
    judge: { type: 'endpoint', scale: '1-10' },
  });
  // Where it is, is for the user to say.
  expect(evaluationSetSchema.safeParse(judged).success).toBe(false);
  expect(shown(judged)).toEqual(
    expect.arrayContaining(['evaluator.judge.url', 'evaluator.judge.model', 'evaluator.judge.key_env']),
  );
  expect(withVariant(list, judged, 'evaluator.judge.type', 'none').evaluator).toEqual(spoken.evaluator);
  expect(withVariant(list, judged, 'evaluator.type', 'likelihood').evaluator).toEqual({ type: 'likelihood' });
});

test('rows of IFEval are offered no metric that needs a reference', () => {
  const metrics = list.fields?.find(({ path }) => path === 'evaluator.metrics');
  if (!metrics) throw new Error('sets have metrics');
  const names = (entry: object) => offered(metrics, { ...entry }).options?.map(({ value }) => value);
  expect(names(withTask(list, set, 'ifeval'))).toEqual(['regex', 'valid_json', 'json_schema']);
  expect(names(set)).toContain('exact_match');
});
