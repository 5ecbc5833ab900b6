/** What the engine reads of a spec has the ranges of the schema: the edges are taken, what lies just beyond is refused at its path. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { native as call } from '../../electron/server/native/addon.ts';
import { CollieError } from '../../electron/shared/errors.ts';
import { runSpecSchema, type SpecIssue } from '../../electron/shared/spec/run-spec.ts';
import { type SpecField, specFields } from '../../electron/shared/spec/spec-fields.ts';
import { describeWithAddon } from './addon-built.ts';

const config = readFileSync(
  join(import.meta.dirname, '../fixtures/parity/llama-gqa-tied/config.json'),
  'utf8',
);
/** Sections, and fields of shared sections, that only the host reads. */
const ofHost = /^(schemaVersion|name|tags|notes|model|dataset|hosts|recovery)(\.|$)/;

const isRead = ({ path, kind }: SpecField) =>
  !ofHost.test(path) && ['number', 'integer', 'boolean', 'choice', 'variant'].includes(kind);
const fields = specFields().filter(isRead);

/** A complete spec with one field replaced, which the schema does not see. */
function specWith({ path, when }: SpecField, value: unknown): string {
  const chosen = when ? { [when.path.split('.')[0] as string]: { type: when.equals } } : {};
  const spec = runSpecSchema.parse({
    model: '/model',
    dataset: { train: 'x', mapping: { kind: 'prompt_answer', prompt: 'a', answer: 'b' } },
    method: { type: 'lora' },
    optimizer: { type: 'adamw' },
    // Without a metric to be best by, the engine reads nothing of the best checkpoints.
    checkpoint: { best_by: 'eval/loss' },
    ...chosen,
  } as never);
  const keys = path.split('.');
  type Part = Record<string, unknown>;
  const parent = keys.slice(0, -1).reduce<Part>((at, key) => at[key] as Part, spec as unknown as Part);
  parent[keys.at(-1) as string] = value;
  return JSON.stringify(spec);
}

/** Codes of what the engine's reader finds at the field; what does not go together is another test's. */
const READING = new Set(['out_of_range', 'wrong_type', 'unknown_value', 'missing']);
function problems(field: SpecField, value: unknown): string[] {
  try {
    call((addon) => addon.planMemory(config, specWith(field, value)));
    return [];
  } catch (error) {
    if (!(error instanceof CollieError)) throw error;
    const issues = (error.data.issues ?? []) as SpecIssue[];
    return issues
      .filter(({ path, code }) => path === field.path && READING.has(code))
      .map(({ code }) => code);
  }
}

/** Values at the edges of a field, and just beyond them. */
function edges({ path, kind, min, minExclusive, max, options, nullable }: SpecField) {
  // A learning rate of null is the recommended one, which the host puts in.
  const good: unknown[] = nullable && !path.endsWith('learning_rate') ? [null] : [];
  if (kind === 'boolean') return { good: [...good, true, false], bad: [1, 'true'] };
  if (kind !== 'number' && kind !== 'integer')
    return { good: [...good, ...(options ?? []).map(({ value }) => value)], bad: ['other', 1] };
  const step = (edge: number) => (kind === 'integer' ? 1 : Math.max(1e-6, Math.abs(edge) * 1e-9));
  const bad: unknown[] = ['1'];
  if (kind === 'integer') bad.push((min ?? 0) + 0.5);
  if (min !== undefined) {
    if (minExclusive) bad.push(min);
    else good.push(min);
    bad.push(min - step(min));
  }
  if (max !== undefined) {
    good.push(max);
    bad.push(max + step(max));
  }
  return { good, bad };
}

describeWithAddon('ranges of the schema and of the core', () => {
  it('knows the fields that it compares', () => {
    for (const path of ['batch.seq_len', 'schedule.warmup_ratio', 'method.rank', 'parallel.dp_size', 'seed'])
      expect(fields.map((field) => field.path)).toContain(path);
  });

  it.each(
    fields.map(
      (field) => [field.when ? `${field.path} of ${field.when.equals}` : field.path, field] as const,
    ),
  )('%s', (_, field) => {
    const { good, bad } = edges(field);
    for (const value of good) expect(problems(field, value), `${value}`).toEqual([]);
    for (const value of bad) expect(problems(field, value), `${value}`).not.toEqual([]);
  });
});
