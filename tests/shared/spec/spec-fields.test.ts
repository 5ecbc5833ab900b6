import { describe, expect, it } from 'vitest';
import { linearModules, methodTypes } from '../../../electron/shared/spec/methods.ts';
import { runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import {
  activeFields,
  specFields,
  specGroups,
  specValue,
  variantDefaults,
} from '../../../electron/shared/spec/spec-fields.ts';

const minimal = {
  model: 'library:m',
  dataset: { train: 'library:d', mapping: { kind: 'prompt_answer', prompt: 'q', answer: 'a' } },
  method: { type: 'lora' },
  optimizer: { type: 'adamw' },
};

/** Every leaf path of a parsed spec; lists and null are leaves. */
function leafPaths(value: unknown, path = ''): string[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, child]) => leafPaths(child, path ? `${path}.${key}` : key));
}

const field = (path: string) => {
  const found = specFields().find((candidate) => candidate.path === path);
  if (!found) throw new Error(`no field ${path}`);
  return found;
};

describe('specFields', () => {
  it.each([
    ['prompt and answer', minimal],
    [
      'chat, full',
      {
        ...minimal,
        method: { type: 'full' },
        dataset: { train: 'x', mapping: { kind: 'chat', messages: 'm' } },
      },
    ],
  ])('covers exactly the leaves of a parsed spec (%s)', (_, input) => {
    const spec = runSpecSchema.parse(input);
    const leaves = leafPaths(spec).filter((path) => path !== 'schemaVersion');
    expect(
      activeFields(spec)
        .map(({ path }) => path)
        .sort(),
    ).toEqual(leaves.sort());
  });

  it('gives every field a title and help, and every group a title', () => {
    for (const { path, meta } of specFields()) {
      expect(meta.title, path).not.toBe('');
      expect(meta.help, path).not.toBe('');
    }
    for (const group of specGroups()) expect(group.meta.title, group.path).not.toBe('');
  });

  it('has the defaults the schema fills in', () => {
    const spec = runSpecSchema.parse(minimal);
    for (const { path, required, default: value, meta } of activeFields(spec))
      if (!required && meta.rateFactor === undefined) expect(specValue(spec, path), path).toEqual(value);
  });

  it('has the limits the schema enforces', () => {
    expect(field('method.rank')).toMatchObject({ kind: 'integer', min: 1, max: 512 });
    expect(field('optimizer.learning_rate')).toMatchObject({
      kind: 'number',
      min: 0,
      minExclusive: true,
      max: 1,
    });
    expect(field('dataset.eval_fraction')).toMatchObject({ min: 0, max: 0.5 });
    expect(field('dataset.eval_fraction').minExclusive).toBeUndefined();
    expect(field('sampling.prompts')).toMatchObject({ kind: 'text_list', maxLength: 16 });
    expect(field('name')).toMatchObject({ kind: 'text', maxLength: 120 });
    for (const { path, min, minExclusive, max, kind } of specFields()) {
      if (kind !== 'number' && kind !== 'integer') continue;
      expect(min, path).toBeTypeOf('number');
      expect(max, path).toBeTypeOf('number');
      if (path.startsWith('method.') || path.startsWith('optimizer.')) continue;
      const [group, key] = path.includes('.') ? (path.split('.') as [string, string]) : [null, path];
      const withValue = (value: number) =>
        group === null
          ? { ...minimal, [key]: value }
          : {
              ...minimal,
              [group]: { ...(minimal as unknown as Record<string, object>)[group], [key]: value },
            };
      expect(runSpecSchema.safeParse(withValue(min as number)).success, `${path} at min`).toBe(!minExclusive);
      expect(runSpecSchema.safeParse(withValue(max as number)).success, `${path} at max`).toBe(true);
      expect(runSpecSchema.safeParse(withValue((max as number) + 1)).success, `${path} above`).toBe(false);
    }
  });

  it('describes the variants of a union and when their fields count', () => {
    expect(field('method.type')).toMatchObject({ kind: 'variant', required: true, group: 'method' });
    const options = field('method.type').options ?? [];
    expect(options.map(({ value }) => value)).toEqual([...methodTypes]);
    expect(options[0]).toMatchObject({ value: 'lora', title: 'LoRA', family: 'Low-rank' });
    expect(options.at(-1)).toMatchObject({ value: 'full', title: 'Full fine-tuning' });
    expect(field('method.rank').when).toEqual({ path: 'method.type', equals: 'lora' });
    expect(field('dataset.mapping.messages').when).toEqual({ path: 'dataset.mapping.kind', equals: 'chat' });
    expect(activeFields({ method: { type: 'full' } }).some(({ path }) => path === 'method.rank')).toBe(false);
  });

  it('gives a variant its defaults as a fresh value', () => {
    const first = variantDefaults('method.type', 'lora');
    expect(first).toEqual({
      type: 'lora',
      rank: 16,
      alpha: 32,
      dropout: 0,
      scaling: 'standard',
      lr_ratio: 1,
      target_modules: [...linearModules],
      modules_to_save: [],
      init_adapter: null,
    });
    (first.target_modules as string[]).pop();
    expect(variantDefaults('method.type', 'lora').target_modules).toHaveLength(linearModules.length);
    expect(variantDefaults('method.type', 'full')).toEqual({ type: 'full' });
  });
});
