/** The optimizers of the schema are those of native/core/recipe/optimizer_rules.cpp: the same fields; their ranges are in ranges.test.ts. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { native as call } from '../../electron/server/native/addon.ts';
import { CollieError } from '../../electron/shared/errors.ts';
import { runSpecSchema } from '../../electron/shared/spec/run-spec.ts';
import { specFields } from '../../electron/shared/spec/spec-fields.ts';
import { describeWithAddon } from './addon-built.ts';

const config = readFileSync(
  join(import.meta.dirname, '../fixtures/parity/llama-gqa-tied/config.json'),
  'utf8',
);
const types = specFields()
  .find(({ path }) => path === 'optimizer.type')
  ?.options?.map(({ value }) => value) as string[];

/** A complete spec with one of its optimizer's fields replaced, which the schema does not see. */
function specWith(type: string, field?: string, value?: unknown, gradAccumSteps = 1): string {
  const spec = runSpecSchema.parse({
    model: '/model',
    dataset: { train: 'x', mapping: { kind: 'prompt_answer', prompt: 'a', answer: 'b' } },
    method: { type: 'full' },
    optimizer: { type },
  } as never);
  spec.batch.grad_accum_steps = gradAccumSteps;
  if (field !== undefined) (spec.optimizer as Record<string, unknown>)[field] = value;
  return JSON.stringify(spec);
}
const plan = (spec: string) => call((addon) => addon.planMemory(config, spec));
function refusal(spec: string): CollieError {
  try {
    plan(spec);
  } catch (error) {
    if (error instanceof CollieError) return error;
    throw error;
  }
  throw new Error(`accepted: ${spec}`);
}

describeWithAddon('optimizers of the schema and of the core', () => {
  it('are the same', () => {
    const known = /must be one of (.*), not/.exec(refusal(specWith('adamw', 'type', 'none')).message)?.[1];
    expect(known?.split(', ').sort()).toEqual([...types].sort());
  });

  it.each(types)('%s is planned as the schema fills it in', (type) => {
    expect(plan(specWith(type)).trainableParams).toBeGreaterThan(0);
  });

  it('forecast what each holds: LOMO nothing, AdamW two floats a weight, 8-bit about a quarter of that', () => {
    const bytes = (type: string) => plan(specWith(type)).optimizerBytes;
    const { trainableParams } = plan(specWith('adamw'));
    expect(bytes('lomo')).toBe(0);
    expect(bytes('adamw')).toBe(8 * trainableParams);
    expect(bytes('lion')).toBe(4 * trainableParams);
    expect(bytes('adan')).toBe(16 * trainableParams);
    expect(bytes('adafactor')).toBeLessThan(trainableParams * 2);
  });

  it('refuse accumulation where the update is fused into the backward pass', () => {
    for (const type of ['lomo', 'adalomo']) {
      const error = refusal(specWith(type, undefined, undefined, 2));
      expect(error.code).toBe('spec.invalid');
      expect(error.message).toContain('batch.grad_accum_steps');
    }
    expect(() => plan(specWith('adamw', undefined, undefined, 2))).not.toThrow();
  });
});
