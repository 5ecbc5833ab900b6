/** What of evaluation sets does not go together, without data. */
import { expect, test } from 'vitest';
import { checkSets } from '../../../electron/server/spec/check-sets.ts';
import type { Findings } from '../../../electron/server/spec/context.ts';
import { evaluationSchema } from '../../../electron/shared/spec/evaluation-sets.ts';

function issuesOf(set: object) {
  const findings: Findings = { issues: [], warnings: [] };
  const evaluation = evaluationSchema.parse({ sets: [{ name: 'mine', data: '/x.jsonl', ...set }] });
  checkSets({ evaluation } as never, { sets: [] } as never, findings);
  return findings.issues.map(({ path, message }) => [path.replace('evaluation.sets.0.', ''), message]);
}

const judge = { type: 'endpoint', url: 'http://127.0.0.1:1/v1', model: 'm' };
const generation = { type: 'generation', metrics: ['exact_match'] };

test.each([
  [
    { task: 'arc', evaluator: generation },
    'task',
    'has choices of the benchmark arc, and the evaluator generation',
  ],
  [{ task: 'ifeval' }, 'task', 'has prompts of the benchmark ifeval, and the evaluator likelihood'],
  [
    { task: 'ifeval', evaluator: generation },
    'evaluator.metrics',
    'needs a reference, which rows of ifeval do not have',
  ],
  [{ evaluator: { type: 'generation', metrics: [] } }, 'evaluator.metrics', 'has no metric'],
  [{ evaluator: { type: 'generation', metrics: ['regex'] } }, 'evaluator.pattern', 'needs it'],
  [
    { evaluator: { type: 'generation', metrics: [], judge, answers: 2, temperature: 1 } },
    'evaluator.metrics',
    'pass@k is counted by a metric, not by a judge',
  ],
])('%j is refused at %s', (set, path, message) => {
  expect(issuesOf(set)).toEqual([[path, expect.stringContaining(message)]]);
});

test.each([
  { task: 'arc', evaluator: { type: 'classification', normalize: 'mutual_info' } },
  { task: 'ifeval', evaluator: { type: 'generation', metrics: [] } },
  { task: 'ifeval', evaluator: { type: 'generation', metrics: ['valid_json'] } },
  { evaluator: generation },
  { evaluator: { type: 'generation', metrics: [], judge } },
  { task: 'ifeval', evaluator: { type: 'generation', metrics: [], judge } },
])('%j is fine', (set) => {
  expect(issuesOf(set)).toEqual([]);
});
