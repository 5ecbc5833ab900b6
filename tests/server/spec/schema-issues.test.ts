import { describe, expect, it } from 'vitest';
import { checkSchema } from '../../../electron/server/spec/schema-issues.ts';
import { nearest } from '../../../electron/server/spec/suggest.ts';

const good = {
  model: 'library:m',
  dataset: { train: 'library:d', mapping: { kind: 'prompt_answer', prompt: 'q', answer: 'a' } },
  method: { type: 'lora' },
  optimizer: { type: 'adamw' },
};

/** The one issue of a spec. */
function only(input: unknown) {
  const { issues, spec } = checkSchema(input);
  expect(spec).toBeNull();
  expect(issues).toHaveLength(1);
  return issues[0];
}

describe('checkSchema', () => {
  it('fills in defaults when all is right', () => {
    const { issues, spec } = checkSchema(good);
    expect(issues).toEqual([]);
    expect(spec).toMatchObject({ seed: 42, method: { rank: 16 }, batch: { seq_len: 512 } });
  });

  it.each<[string, object, string, string, RegExp, RegExp]>([
    [
      'too large',
      { method: { type: 'lora', rank: 900 } },
      'method.rank',
      'too_big',
      /^Rank is 900; expected: a whole number from 1 to 512\.$/,
      /default is 16/,
    ],
    [
      'zero where it must be above',
      { optimizer: { type: 'adamw', learning_rate: 0 } },
      'optimizer.learning_rate',
      'too_small',
      /is 0; expected: a number above 0 and at most 1/,
      /recommended one/,
    ],
    [
      'a name of another form',
      {
        evaluation: {
          sets: [{ name: 'Five hundred', data: 'library:d', evaluator: { type: 'likelihood' } }],
        },
      },
      'evaluation.sets.0.name',
      'invalid',
      /"Five hundred"; expected: small letters, digits, - and _/,
      /^/,
    ],
    [
      'not whole',
      { batch: { seq_len: 100.6 } },
      'batch.seq_len',
      'wrong_type',
      /100.6; expected: a whole number from 8/,
      /Use 101\./,
    ],
    [
      'a number in quotes',
      { batch: { seq_len: '256' } },
      'batch.seq_len',
      'wrong_type',
      /is "256"/,
      /without quotes: 256/,
    ],
    [
      'an unknown choice',
      { precision: 'bf61' },
      'precision',
      'unknown_choice',
      /"bf61"; expected: one of bf16, fp32/,
      /Did you mean "bf16"/,
    ],
    [
      'an unknown variant',
      { method: { type: 'lroa' } },
      'method.type',
      'unknown_choice',
      /"lroa"; expected: one of lora, dora, .*, full\./,
      /Did you mean "lora"/,
    ],
    [
      'a name for an object',
      { method: 'full' },
      'method',
      'wrong_type',
      /Method is "full"; an object \{"type": "full"\}/,
      /Write \{"type": "full"\}/,
    ],
    [
      'a missing part',
      { optimizer: undefined },
      'optimizer',
      'required',
      /Optimizer is missing/,
      /\{"type": "adamw"\}/,
    ],
    [
      'a missing value',
      { dataset: { train: 'x', mapping: { kind: 'chat' } } },
      'dataset.mapping.messages',
      'required',
      /Messages column is missing/,
      /^$/,
    ],
    ['null where a value is needed', { seed: null }, 'seed', 'wrong_type', /Seed is null/, /default is 42/],
    [
      'a bad list entry',
      { method: { type: 'lora', modules_to_save: ['norm', 'head'] } },
      'method.modules_to_save',
      'unknown_choice',
      /Also train entry 2 is "head"/,
      /./,
    ],
    [
      'too long a list',
      { sampling: { prompts: Array(17).fill('x') } },
      'sampling.prompts',
      'too_big',
      /at most 16 texts/,
      /./,
    ],
    [
      'a future version',
      { schemaVersion: 3 },
      'schemaVersion',
      'unknown_choice',
      /version 3; this Collie reads up to version 2/,
      /./,
    ],
  ])('%s', (_, change, path, code, message, suggestion) => {
    const issue = only({ ...good, ...change });
    expect(issue).toMatchObject({ path, code });
    expect(issue?.message).toMatch(message);
    expect(issue?.suggestion).toMatch(suggestion);
  });

  it.each<[string, object, string, RegExp]>([
    ['a slip', { sede: 1 }, 'sede', /Did you mean seed\?/],
    ['a slip inside', { batch: { seqlen: 1 } }, 'batch.seqlen', /Did you mean batch\.seq_len\?/],
    ['of another place', { learning_rate: 1 }, 'learning_rate', /Did you mean optimizer\.learning_rate\?/],
    [
      'of another variant',
      { method: { type: 'full', rank: 4 } },
      'method.rank',
      /belongs to method\.type = lora/,
    ],
    [
      'nothing like it',
      { method: { type: 'full', colour: 4 } },
      'method.colour',
      /Remove it\. There is: type/,
    ],
  ])('an unknown key: %s', (_, change, path, suggestion) => {
    const issue = only({ ...good, ...change });
    expect(issue).toMatchObject({ path, code: 'unknown_key', message: `${path} is no setting.` });
    expect(issue?.suggestion).toMatch(suggestion);
  });

  it('finds everything together, and says what it received', () => {
    const { issues } = checkSchema({ ...good, model: '', foo: 1, bar: 2, seed: -1, duration: { value: 0 } });
    expect(issues.map(({ path, code, received }) => [path, code, received]).sort()).toEqual([
      ['bar', 'unknown_key', 2],
      ['duration.value', 'too_small', 0],
      ['foo', 'unknown_key', 1],
      ['model', 'too_small', ''],
      ['seed', 'too_small', -1],
    ]);
  });

  it.each([null, 5, 'spec', []])('refuses %j as a whole', (input) => {
    expect(checkSchema(input).issues[0]).toMatchObject({
      path: '',
      message: expect.stringContaining('object'),
    });
  });

  it('keeps the parts that are right', () => {
    const { parts } = checkSchema({ ...good, seed: 'x', batch: { seq_len: 64 } });
    expect(parts.seed).toBeUndefined();
    expect(parts).toMatchObject({ model: 'library:m', batch: { seq_len: 64, micro_batch_size: 4 } });
  });
});

describe('nearest', () => {
  it.each([
    ['learningRate', 'learning_rate'],
    ['batch-size', null],
    ['warmup', null],
    ['esp', 'eps'],
    ['beta_1', 'beta1'],
  ])('%s -> %s', (word, name) => {
    expect(nearest(word, ['learning_rate', 'eps', 'beta1', 'beta2', 'weight_decay'])).toBe(name);
  });
});

// Each took a millisecond among all fields: ten thousand stopped the host for ten seconds.
it('explains the first fifty of ten thousand wrong settings, and a key of a million characters', () => {
  const spec: Record<string, unknown> = { ...good, ['x'.repeat(1_000_000)]: 1 };
  for (let key = 0; key < 10_000; key += 1) spec[`learning_rat${key}`] = key;
  const { issues } = checkSchema(spec);
  expect(issues).toHaveLength(51);
  expect(issues.at(-1)).toMatchObject({ code: 'too_many', received: 10_001 });
});
