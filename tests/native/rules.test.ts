/** The rule book is one: the form and the engine refuse the same combinations, at the same place, with the same code and words. */
import { expect, it } from 'vitest';
import { native } from '../../electron/server/native/addon.ts';
import { exclusions, ruleIssues, rules } from '../../electron/shared/spec/rules.ts';
import { type RunSpec, runSpecSchema } from '../../electron/shared/spec/run-spec.ts';
import { specFields } from '../../electron/shared/spec/spec-fields.ts';
import { describeWithAddon } from './addon-built.ts';

const typesOf = (path: string) =>
  (specFields().find((field) => field.path === path)?.options ?? []).map(({ value }) => value);

const layouts: Partial<RunSpec['parallel']>[] = [
  {},
  { tp_size: 2 },
  { pp_size: 2 },
  { dp_size: 2, zero_stage: 1 },
  { dp_size: 2, pp_size: 2, zero_stage: 3 },
  { zero_stage: 2 },
  { sequence_parallel: true },
  { tp_size: 2, sequence_parallel: true },
  { pipeline_chunks: 2 },
  { pp_size: 2, pipeline_chunks: 2 },
];
const others: object[] = [
  { quantization: 'none', batch: { grad_accum_steps: 1 } },
  { quantization: 'nf4', batch: { grad_accum_steps: 3, micro_batch_size: 2 } },
  { duration: { unit: 'steps', value: 2.5 } },
];
const broken: Record<string, object[]> = {
  adalora: [
    { init_rank: 6, target_rank: 8 },
    { start_ratio: 0.6, end_ratio: 0.4 },
  ],
};

const specsOf = (method: string): RunSpec[] =>
  typesOf('optimizer.type').flatMap((optimizer) =>
    layouts.flatMap((parallel) =>
      others.flatMap((other) =>
        [{}, ...(broken[method] ?? [])].map((settings) =>
          runSpecSchema.parse({
            model: '/m',
            dataset: { train: 'd', mapping: { kind: 'chat', messages: 'm' } },
            method: { type: method, ...settings },
            optimizer: { type: optimizer },
            parallel,
            ...other,
          }),
        ),
      ),
    ),
  );

describeWithAddon('the rule book', () => {
  const seen = new Set<string>();
  it.each(typesOf('method.type'))(
    '%s with every optimizer and layout: both sides refuse the same',
    (method) => {
      for (const spec of specsOf(method)) {
        const issues = ruleIssues(spec);
        expect(native((addon) => addon.ruleRefusals(JSON.stringify(spec)))).toEqual(issues);
        for (const { path, code } of issues) seen.add(`${path} ${code}`);
      }
    },
  );

  it('every rule has refused something above', () => {
    expect([...seen].sort()).toEqual([...new Set(rules.map(({ path, code }) => `${path} ${code}`))].sort());
    expect(exclusions.length).toBeGreaterThan(10);
  });
});
