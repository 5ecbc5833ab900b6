/** A benchmark that is chosen in the form brings the evaluator that its rows need. */
import { expect, test } from 'vitest';
import { evaluationSetSchema } from '../../../electron/shared/spec/evaluation-sets.ts';
import { specFields } from '../../../electron/shared/spec/spec-fields.ts';
import { withTask } from '../../../renderer/src/features/compose/fields/evaluation-sets.ts';

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
