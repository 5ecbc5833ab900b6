/** What is checked of methods and optimizers beyond the schema, on a model of two layers. */
import { describe, expect, it } from 'vitest';
import { checkMethod } from '../../../electron/server/spec/check-method.ts';
import { checkOptimization } from '../../../electron/server/spec/check-optimization.ts';
import type { Findings, Found } from '../../../electron/server/spec/context.ts';
import type { Parts } from '../../../electron/server/spec/issue.ts';
import { batchSchema } from '../../../electron/shared/spec/batch-fields.ts';
import { usualRate, withRates } from '../../../electron/shared/spec/learning-rates.ts';
import { methodTraits } from '../../../electron/shared/spec/method-traits.ts';
import { type MethodType, methodSchema } from '../../../electron/shared/spec/methods.ts';
import { optimizerSchema } from '../../../electron/shared/spec/optimizers.ts';
import { ruleIssues } from '../../../electron/shared/spec/rules.ts';
import { variantMeta } from '../../../electron/shared/spec/spec-fields.ts';

const card = { name: 'Tiny', layers: 2, contextLength: 256, tiedEmbeddings: true };
const found = { model: { path: '/m', card } } as unknown as Found;

function check(method: object, rest: Partial<Parts> = {}): Findings['issues'] {
  const findings: Findings = { issues: [], warnings: [] };
  const parts: Parts = {
    method: methodSchema.parse(method),
    batch: batchSchema.parse({ seq_len: 128 }),
    ...rest,
  };
  findings.issues.push(...ruleIssues(parts));
  checkMethod(parts, found, findings);
  expect(findings.warnings).toEqual([]);
  return findings.issues;
}

const all = methodSchema.options.map((option) => option.shape.type.value as MethodType);

describe('every method', () => {
  it.each(all)('%s with its defaults is fine', (type) => {
    expect(check({ type })).toEqual([]);
  });

  it.each(all)('%s on a 4-bit base is refused exactly when it changes the base', (type) => {
    const issues = check({ type }, { quantization: 'nf4' });
    const refused = ['full', 'freeze', 'pissa'].includes(type);
    expect(methodTraits(type).base === 'frozen').toBe(!refused);
    expect(issues.map(({ path }) => path)).toEqual(refused ? ['quantization'] : []);
    if (refused) expect(issues[0]?.message).toMatch(/(trains|changes) the base weights/);
  });
});

describe('settings of a method', () => {
  it.each<[string, object, string, string, RegExp, RegExp]>([
    [
      'targets that are not there',
      { type: 'lora', target_modules: ['q_proj', 'w1', 'layers.2.mlp.*'] },
      'method.target_modules',
      'no_match',
      /"w1", "layers\.2\.mlp\.\*" match no module of "Tiny".*q_proj, k_proj.*model\.layers\.0\.self_attn\.q_proj/,
      /Name one of them/,
    ],
    [
      'a target twice',
      { type: 'dora', target_modules: ['q_proj', 'q_proj'] },
      'method.target_modules',
      'duplicate',
      /q_proj more than once/,
      /once/,
    ],
    [
      'modules to save twice',
      { type: 'lora', modules_to_save: ['norm', 'norm'] },
      'method.modules_to_save',
      'duplicate',
      /norm more than once/,
      /once/,
    ],
    [
      'one tensor under two names',
      { type: 'lora', modules_to_save: ['embed_tokens', 'lm_head'] },
      'method.modules_to_save',
      'duplicate',
      /share one tensor/,
      /embed_tokens only/,
    ],
    [
      'feed-forward modules that are no targets',
      { type: 'ia3', target_modules: ['k_proj'], feedforward_modules: ['down_proj'] },
      'method.feedforward_modules',
      'not_together',
      /"down_proj", which target modules does not/,
      /Add it/,
    ],
    [
      'an input that other projections share',
      { type: 'ia3', target_modules: ['k_proj', '*.up_proj'], feedforward_modules: ['*.up_proj'] },
      'method.feedforward_modules',
      'not_together',
      /"up_proj" is also that of other projections/,
      /down_proj or o_proj/,
    ],
    [
      'ranks that would grow',
      { type: 'adalora', init_rank: 6, target_rank: 8 },
      'method.target_rank',
      'not_together',
      /target rank is 8 and the first rank 6/,
      /Use 6 or less/,
    ],
    [
      'no steps to prune in',
      { type: 'adalora', start_ratio: 0.6, end_ratio: 0.4 },
      'method.start_ratio',
      'not_together',
      /No step is left/,
      /less than 1/,
    ],
    [
      'more layers than there are',
      { type: 'freeze', last_layers: 3 },
      'method.last_layers',
      'too_big',
      /"Tiny" has 2/,
      /Use 2 or less/,
    ],
    [
      'virtual tokens beyond the context',
      { type: 'prefix_tuning', virtual_tokens: 129 },
      'method.virtual_tokens',
      'above_context',
      /129 virtual tokens before 128 tokens of text are more than the 256/,
      /Use 128 or less, or lower batch\.seq_len to 127/,
    ],
  ])('%s', (_, method, path, code, message, suggestion) => {
    const issues = check(method);
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatchObject({ path, code });
    expect(issues[0]?.message).toMatch(message);
    expect(issues[0]?.suggestion).toMatch(suggestion);
  });

  it('patterns that match are fine', () => {
    expect(check({ type: 'lora', target_modules: ['layers.1.mlp.*', '*_proj'] })).toEqual([]);
  });
});

/** An optimizer of that name with AdamW's settings: only the name counts here. */
const named = (type: string, change: object = {}) =>
  ({
    type,
    learning_rate: 2e-4,
    beta1: 0.9,
    beta2: 0.999,
    eps: 1e-8,
    weight_decay: 0,
    ...change,
  }) as Parts['optimizer'];

function optimization(parts: Partial<Record<keyof Parts, unknown>>): Findings {
  const findings: Findings = { issues: [], warnings: [] };
  findings.issues.push(...ruleIssues(parts));
  checkOptimization(parts as Parts, findings);
  return findings;
}

describe('optimizers that update inside the backward pass', () => {
  it('leave AdaLoRA no gradients to allocate ranks by', () => {
    const method = { type: 'adalora' };
    const { issues } = optimization({ method, optimizer: named('lomo') });
    expect(issues).toMatchObject([{ path: 'optimizer.type', code: 'not_together', received: 'lomo' }]);
    const other = optimization({ method, optimizer: named('adamw') });
    expect(other.issues).toEqual([]);
  });

  it('clip at the cost of a second pass', () => {
    const { issues, warnings } = optimization({ optimizer: named('lomo'), max_grad_norm: 1 });
    expect(issues).toEqual([]);
    expect(warnings).toMatchObject([{ path: 'max_grad_norm', code: 'costly' }]);
    expect(optimization({ optimizer: named('lomo'), max_grad_norm: 0 }).warnings).toEqual([]);
    expect(optimization({ optimizer: named('adamw'), max_grad_norm: 1 }).warnings).toEqual([]);
  });
});

const optimizers = optimizerSchema.options.map((option) => option.shape.type.value);

describe('every optimizer', () => {
  it.each(optimizers)('%s stands in a family, and the recommended rate is not unusual for LoRA', (type) => {
    expect(variantMeta('optimizer.type', type)?.family).toBeTruthy();
    const optimizer = withRates('lora', optimizerSchema.parse({ type }));
    const method = methodSchema.parse({ type: 'lora' });
    expect(optimization({ method, optimizer }).warnings).toEqual([]);
  });

  it.each(optimizers)('%s has a rate to start with for every method', (type) => {
    for (const method of all) {
      const { low, start, high } = usualRate(method, type);
      expect(low, method).toBeGreaterThan(0);
      expect(start, method).toBeGreaterThanOrEqual(low);
      expect(high, method).toBeGreaterThanOrEqual(start);
      expect(optimizerSchema.safeParse({ type, learning_rate: start }).success, method).toBe(true);
    }
  });
});

describe('learning rates', () => {
  it.each(all)('%s: what the form starts with is usual', (type) => {
    const { start } = methodTraits(type).usualRate;
    const method = methodSchema.parse({ type });
    const warned = (learning_rate: number) =>
      optimization({ method, optimizer: named('adamw', { learning_rate }) }).warnings.map(({ path }) => path);
    expect(warned(start)).toEqual([]);
    expect(warned(start * 1e4)).toEqual(['optimizer.learning_rate']);
    expect(warned(start / 1e4)).toEqual(['optimizer.learning_rate']);
  });
});
