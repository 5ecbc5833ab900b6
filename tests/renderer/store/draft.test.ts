import { describe, expect, it } from 'vitest';
import { runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import { activeFields, specFields, specValue } from '../../../electron/shared/spec/spec-fields.ts';
import {
  type Draft,
  defaultDraft,
  mergeSpec,
  recommendedFor,
  sameValue,
  withValue,
  withVariant,
} from '../../../renderer/src/store/draft.ts';

const complete = () => {
  let draft = defaultDraft();
  draft = withValue(draft, 'model', 'library:m');
  draft = withValue(draft, 'dataset.train', 'library:d');
  draft = withValue(draft, 'dataset.mapping.prompt', 'q');
  return withValue(draft, 'dataset.mapping.answer', 'a');
};

describe('the default draft', () => {
  it('holds every default of the active fields and lacks only what the user must give', () => {
    const draft = defaultDraft();
    for (const field of activeFields(draft)) {
      if (field.kind === 'variant') expect(specValue(draft, field.path), field.path).toBeTypeOf('string');
      else if (field.required) expect(specValue(draft, field.path), field.path).toBeUndefined();
      else expect(specValue(draft, field.path), field.path).toEqual(field.default);
    }
  });

  it('is a whole spec once the required fields are given, the same as the schema fills in by itself', () => {
    const { optimizer, ...spec } = runSpecSchema.parse(complete());
    const { optimizer: drafted, ...rest } = complete();
    expect(spec).toEqual(rest);
    // The rate is recommended, and resolved where a spec is read.
    expect({ ...optimizer, learning_rate: null }).toEqual(drafted);
  });
});

describe('changing a draft', () => {
  it('leaves the old one as it was', () => {
    const before = complete();
    const copy = structuredClone(before);
    const after = withValue(before, 'optimizer.learning_rate', 1e-5);
    expect(before).toEqual(copy);
    expect(specValue(after, 'optimizer.learning_rate')).toBe(1e-5);
    expect(after.batch).toBe(before.batch);
  });

  it('drops the settings of the variant that was left', () => {
    const full = withVariant(complete(), 'method.type', 'full');
    expect(full.method).toEqual({ type: 'full' });
    expect(runSpecSchema.safeParse(full).success).toBe(true);
    const chat = withVariant(full, 'dataset.mapping.kind', 'chat');
    expect(specValue(chat, 'dataset.mapping')).toEqual({ kind: 'chat', system: null, tools: null });
  });

  it('gives every variant of every union its defaults', () => {
    for (const field of specFields().filter((f) => f.kind === 'variant'))
      for (const option of field.options ?? []) {
        const draft = withVariant(complete(), field.path, option.value);
        const own = specFields().filter((f) => f.when?.path === field.path && f.when.equals === option.value);
        for (const one of own.filter((f) => !f.required))
          expect(specValue(draft, one.path), `${option.value} ${one.path}`).toEqual(one.default);
      }
  });

  it('keeps what was changed and what both variants have, not what was only a default', () => {
    const rank = withValue(complete(), 'method.rank', 64);
    const pissa = withVariant(rank, 'method.type', 'pissa');
    expect(pissa.method).toMatchObject({ rank: 64, alpha: 16 });
    const ia3 = withVariant(complete(), 'method.type', 'ia3');
    expect(specValue(ia3, 'method.target_modules')).toEqual(['k_proj', 'v_proj', 'down_proj']);
  });

  it('lets a learning rate that was left alone go along with the method', () => {
    const rate = (draft: Draft) => specValue(draft, 'optimizer.learning_rate');
    const shown = (draft: Draft) =>
      activeFields(draft).flatMap((field) =>
        field.path === 'optimizer.learning_rate' ? recommendedFor(field, draft) : [],
      );
    const full = withVariant(complete(), 'method.type', 'full');
    expect([rate(full), ...shown(full)]).toEqual([null, 2e-5]);
    const prompts = withVariant(full, 'method.type', 'prompt_tuning');
    expect([rate(prompts), ...shown(prompts)]).toEqual([null, 0.03]);
    const own = withValue(complete(), 'optimizer.learning_rate', 7e-4);
    expect(rate(withVariant(own, 'method.type', 'full'))).toBe(7e-4);
  });

  const typesOf = (path: string) =>
    (specFields().find((field) => field.path === path)?.options ?? []).map(({ value }) => value);
  it.each(typesOf('method.type'))(
    '%s: the form starts with what a spec of method and optimizer alone means',
    (method) => {
      for (const optimizer of typesOf('optimizer.type')) {
        const draft = withVariant(
          withVariant(complete(), 'method.type', method),
          'optimizer.type',
          optimizer,
        );
        const { model, dataset } = complete();
        const bare = runSpecSchema.parse({
          model,
          dataset,
          method: { type: method },
          optimizer: { type: optimizer },
        });
        expect(runSpecSchema.parse(draft), optimizer).toEqual(bare);
        for (const field of activeFields(draft).filter(({ meta }) => meta.rateFactor !== undefined))
          expect(specValue(bare, field.path), `${optimizer} ${field.key}`).toBe(recommendedFor(field, draft));
      }
    },
  );
});

describe('merging a preset', () => {
  it('keeps what it does not name', () => {
    const merged = mergeSpec(complete(), { method: { type: 'lora', rank: 8 }, duration: { unit: 'steps' } });
    expect(specValue(merged, 'method.rank')).toBe(8);
    expect(specValue(merged, 'method.alpha')).toBe(32);
    expect(specValue(merged, 'duration')).toEqual({ unit: 'steps', value: 1 });
  });

  it('replaces a variant as a whole', () => {
    const merged = mergeSpec(complete(), { method: { type: 'full' } });
    expect(merged.method).toEqual({ type: 'full' });
    const back = mergeSpec(merged, { method: { type: 'lora', rank: 4 } });
    expect(specValue(back, 'method.rank')).toBe(4);
    expect(specValue(back, 'method.target_modules')).toHaveLength(7);
  });
});

it('compares values as JSON does', () => {
  expect(sameValue({ a: 1, b: [1, 2] }, { b: [1, 2], a: 1 })).toBe(true);
  expect(sameValue([1, 2], [2, 1])).toBe(false);
  expect(sameValue({ a: null }, {})).toBe(false);
  expect(sameValue(Number.NaN, Number.NaN)).toBe(true);
});
