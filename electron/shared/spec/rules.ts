/**
 * The rule book: which settings of a spec do not go together, as data. General rules stand here; what a method or an optimizer excludes
 * stands in its own row (methods.ts, optimizers.ts) and becomes rules here. Form, command line and docs read it as it is. The engine and
 * its planner have it as JSON in native/core/recipe/rules.inc, made by `npm run docs:spec`, and refuse by it with the same path, code and
 * words. What depends on the model, the machine or files is no rule: that is checked where they are known.
 */
import type { FieldMeta, Rule, RuleCondition, RuleFeature } from './field-meta.ts';
import { methodSchema } from './methods.ts';
import { optimizerSchema } from './optimizers.ts';
import type { SpecIssue } from './run-spec.ts';

interface Row {
  path: 'method.type' | 'optimizer.type';
  type: string;
  meta: FieldMeta;
}

type Option = { shape: { type: { value: string } }; meta(): unknown };
const rowsOf = (path: Row['path'], options: readonly Option[]): Row[] =>
  options.map((option) => ({ path, type: option.shape.type.value, meta: option.meta() as FieldMeta }));
const rows: readonly Row[] = [
  ...rowsOf('method.type', methodSchema.options),
  ...rowsOf('optimizer.type', optimizerSchema.options),
];

/** Optimizers that change a weight as soon as its gradient is there, inside of the backward pass. */
export const fusedOptimizers: readonly string[] = rows
  .filter(({ meta }) => meta.updates === 'inside_backward')
  .map(({ type }) => type);

interface FeatureRule {
  when: RuleCondition;
  /** In words for the docs. */
  said: string;
  /** Where the issue stands; null: at the type of the row that excludes it. */
  path: string | null;
  /** The setting in the message. */
  setting: string;
  /** What to do, behind what the row says. */
  fix: string;
}

const features: Record<RuleFeature, FeatureRule> = {
  tensor_parallel: {
    when: { value: 'parallel.tp_size', above: 1 },
    said: '`parallel.tp_size` above 1',
    path: null,
    setting: 'parallel.tp_size {parallel.tp_size}',
    fix: 'Set parallel.tp_size to 1',
  },
  pipeline_parallel: {
    when: { value: 'parallel.pp_size', above: 1 },
    said: '`parallel.pp_size` above 1',
    path: null,
    setting: 'parallel.pp_size {parallel.pp_size}',
    fix: 'Set parallel.pp_size to 1',
  },
  zero: {
    when: { value: 'parallel.zero_stage', above: 0 },
    said: '`parallel.zero_stage` above 0',
    path: null,
    setting: 'parallel.zero_stage {parallel.zero_stage}',
    fix: 'Set parallel.zero_stage to 0',
  },
  fused_update: {
    when: { value: 'optimizer.type', one_of: [...fusedOptimizers] },
    said: `\`optimizer.type\` ${fusedOptimizers.join(' or ')}`,
    path: 'optimizer.type',
    setting: 'the optimizer {optimizer.type}, which keeps no gradients',
    fix: 'Set optimizer.type to adamw',
  },
  quantization: {
    when: { value: 'quantization', not: 'none' },
    said: '`quantization` nf4',
    path: 'quantization',
    setting: 'quantization {quantization}',
    fix: 'Set quantization to none',
  },
  accumulation: {
    when: { value: 'batch.grad_accum_steps', above: 1 },
    said: '`batch.grad_accum_steps` above 1',
    path: 'batch.grad_accum_steps',
    setting: 'batch.grad_accum_steps {batch.grad_accum_steps}',
    fix: 'Set batch.grad_accum_steps to 1 and batch.micro_batch_size to {batch.micro_batch_size * batch.grad_accum_steps}: the same sequences a step',
  },
};

const general: readonly Rule[] = [
  {
    id: 'sequence_without_tensor_parallel',
    path: 'parallel.sequence_parallel',
    code: 'not_together',
    when: [
      { value: 'parallel.sequence_parallel', is: true },
      { value: 'parallel.tp_size', is: 1 },
    ],
    message:
      'Sequence parallel shards activations over tensor-parallel ranks; with parallel.tp_size 1 there is only one.',
    fix: 'Set it to false, or raise parallel.tp_size.',
    refused: '`parallel.sequence_parallel` with `parallel.tp_size` 1',
    reason: 'It shards over tensor-parallel ranks the activations that each would hold.',
  },
  {
    id: 'zero_without_data_parallel',
    path: 'parallel.zero_stage',
    code: 'not_together',
    when: [
      { value: 'parallel.zero_stage', above: 0 },
      { value: 'parallel.dp_size', is: 1 },
    ],
    message:
      'ZeRO {parallel.zero_stage} partitions over data-parallel ranks; with parallel.dp_size 1 there is only one.',
    fix: 'Set it to 0, or raise parallel.dp_size.',
    refused: '`parallel.zero_stage` above 0 with `parallel.dp_size` 1',
    reason: 'ZeRO partitions over data-parallel ranks what each would hold.',
  },
  {
    id: 'zero3_with_stages',
    path: 'parallel.zero_stage',
    code: 'not_together',
    when: [
      { value: 'parallel.zero_stage', from: 3 },
      { value: 'parallel.pp_size', above: 1 },
    ],
    message:
      'ZeRO 3 puts every layer together when it is computed; {parallel.pp_size} stages, each in an order of its own, cannot do that together.',
    fix: 'Set it to 2: the stages cut the weights already. Or set parallel.pp_size to 1.',
    refused: '`parallel.zero_stage` 3 with `parallel.pp_size` above 1',
    reason:
      'The stages of two copies would have to ask for the same layers at the same time, and a stage has only its own share of them anyway.',
  },
  {
    id: 'chunks_without_stages',
    path: 'parallel.pipeline_chunks',
    code: 'not_together',
    when: [
      { value: 'parallel.pipeline_chunks', above: 1 },
      { value: 'parallel.pp_size', is: 1 },
    ],
    message: '{parallel.pipeline_chunks} chunks per stage alternate between stages; there is one stage.',
    fix: 'Set it to 1, or raise parallel.pp_size.',
    refused: '`parallel.pipeline_chunks` above 1 with `parallel.pp_size` 1',
    reason: 'Chunks alternate between stages.',
  },
  {
    id: 'interleaving',
    path: 'parallel.pipeline_chunks',
    code: 'not_divisible',
    when: [
      { value: 'parallel.pipeline_chunks', above: 1 },
      { value: 'parallel.pp_size', above: 1 },
      { value: 'batch.grad_accum_steps', no_multiple_of: 'parallel.pp_size' },
    ],
    message:
      'With {parallel.pipeline_chunks} chunks per stage the {batch.grad_accum_steps} micro-batches of each rank must be a multiple of the {parallel.pp_size} stages.',
    fix: 'Set batch.grad_accum_steps to {batch.grad_accum_steps up_to parallel.pp_size}, or parallel.pipeline_chunks to 1.',
    refused: 'interleaved 1F1B with `batch.grad_accum_steps` that is no multiple of `parallel.pp_size`',
    reason: 'Stages take micro-batches in groups of as many as there are stages.',
  },
  {
    id: 'whole_steps',
    path: 'duration.value',
    code: 'not_whole',
    when: [
      { value: 'duration.unit', is: 'steps' },
      { value: 'duration.value', no_multiple_of: 1 },
    ],
    message: '{duration.value} steps cannot be trained; steps are whole.',
    fix: 'Use {duration.value up_to 1}, or epochs as the unit.',
    refused: '`duration.value` that is not whole with `duration.unit` steps',
    reason: 'A run ends with an optimizer step.',
  },
];

/** What the row of a method or optimizer excludes. */
export interface Exclusion {
  path: Row['path'];
  type: string;
  title: string;
  feature: RuleFeature;
  /** What is excluded, in words for the docs. */
  said: string;
  because: string;
}

export const exclusions: readonly Exclusion[] = rows.flatMap(({ path, type, meta }) =>
  (meta.excludes ?? []).map(({ feature, because }) => ({
    ...{ path, type, title: meta.title, feature, because },
    said: features[feature].said,
  })),
);

function ruleOf({ path, type, title, feature, because }: Exclusion, instead: string | undefined): Rule {
  const { when, said, path: at, setting, fix } = features[feature];
  return {
    id: `${type}_${feature}`,
    path: at ?? path,
    code: 'not_together',
    when: [{ value: path, is: type }, when],
    message: `${title} does not go with ${setting}: ${because}.`,
    fix: `${fix}${instead === undefined ? '' : `, or ${instead}`}.`,
    refused: `${title} with ${said}`,
    reason: because,
  };
}

const ofRows = rows.flatMap(({ path, type, meta }) => [
  ...(meta.rules ?? []),
  ...(meta.excludes ?? []).map(({ feature, because, instead }) =>
    ruleOf({ path, type, title: meta.title, feature, because, said: '' }, instead),
  ),
]);

/** General rules first, then those of methods and optimizers. */
export const rules: readonly Rule[] = [...general, ...ofRows];
/** Those that the docs list apart from the exclusions of methods and optimizers. */
export const generalRules = general;

type Value = number | string | boolean;

function at(spec: unknown, path: string): Value | undefined {
  let value = spec;
  for (const key of path.split('.')) value = (value as Record<string, unknown> | null | undefined)?.[key];
  return typeof value === 'object' ? undefined : (value as Value | undefined);
}

const operators: Record<string, (a: number, b: number) => number> = {
  '+': (a, b) => a + b,
  '*': (a, b) => a * b,
  up_to: (a, b) => Math.ceil(a / b) * b,
};

/** A setting, a number, or several of them with operators between, from left to right; undefined where a setting is not there. */
function evaluate(spec: unknown, expression: string): Value | undefined {
  const [first = '', ...rest] = expression.split(' ');
  const operand = (text: string) => (/^[\d.]+$/.test(text) ? Number(text) : at(spec, text));
  let value = operand(first);
  for (let i = 0; i + 1 < rest.length; i += 2) {
    const [apply, other] = [operators[rest[i] as string], operand(rest[i + 1] as string)];
    if (!apply || typeof value !== 'number' || typeof other !== 'number') return undefined;
    value = apply(value, other);
  }
  return value;
}

function holds(spec: unknown, condition: RuleCondition): boolean {
  const value = evaluate(spec, condition.value);
  if (value === undefined) return false;
  if (condition.is !== undefined) return value === condition.is;
  if (condition.not !== undefined) return value !== condition.not;
  if (condition.one_of !== undefined) return condition.one_of.includes(String(value));
  const bound = condition.above ?? condition.from ?? condition.no_multiple_of;
  const other = typeof bound === 'string' ? evaluate(spec, bound) : bound;
  if (typeof value !== 'number' || typeof other !== 'number') return false;
  if (condition.above !== undefined) return value > other;
  return condition.from !== undefined ? value >= other : value % other !== 0;
}

const filled = (spec: unknown, text: string) =>
  text.replaceAll(/\{([^}]+)\}/g, (_, expression: string) => String(evaluate(spec, expression)));

/** Everything in a spec that does not go together. Parts that are not there break no rule. */
export const ruleIssues = (spec: object): SpecIssue[] =>
  rules
    .filter(({ when }) => when.every((condition) => holds(spec, condition)))
    .map(({ path, code, message, fix }) => ({
      path,
      code,
      message: filled(spec, message),
      received: at(spec, path),
      suggestion: filled(spec, fix),
    }));

/** The book for the engine: a raw string literal of C++ with the rules as JSON. */
export const rulesForEngine = (): string => {
  const told = rules.map(({ path, code, when, message, fix }) =>
    JSON.stringify({ path, code, when, message, fix }),
  );
  return `// Made by \`npm run docs:spec\` from electron/shared/spec/rules.ts: do not edit by hand.\nR"json([\n${told.join(',\n')}\n])json"\n`;
};
