/** Specs of older versions: the cases that the engine's newest_spec() is tested with as well. */
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { migrateSpec } from '../../../electron/shared/spec/migrate.ts';
import { runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';

const cases: { of: string; old: object; new: object }[] = JSON.parse(
  readFileSync(new URL('../../fixtures/spec-versions.json', import.meta.url), 'utf8'),
);

it.each(cases)('of $of', ({ old, new: expected }) => {
  expect(migrateSpec(old).spec).toEqual(expected);
});

it('says what changes, with the numbers', () => {
  const { notes } = migrateSpec(cases[1]?.old);
  expect(notes.join(' ')).toContain(
    'batch.grad_accum_steps was 8 micro-batches over 4 data-parallel ranks and is now 2 on each of them: the global batch stays as it was.',
  );
  expect(migrateSpec(cases[3]?.old).notes).toEqual([]);
});

it('says so where ranks could not share the micro-batches, and where a rate was left out', () => {
  const old = {
    schemaVersion: 1,
    batch: { grad_accum_steps: 6 },
    parallel: { dp_size: 4 },
    optimizer: { type: 'adamw' },
  };
  const { spec, notes } = migrateSpec(old);
  expect(spec).toMatchObject({ batch: { grad_accum_steps: 2 } });
  expect(notes[1]).toContain('which is 8, as 4 ranks cannot share 6');
  expect(notes[2]).toContain('optimizer.learning_rate');
});

it('leaves what is no old spec to the schema', () => {
  for (const other of [null, 7, [], {}, { schemaVersion: 3 }])
    expect(migrateSpec(other)).toEqual({ spec: other, notes: [] });
});

it('is part of reading a spec', () => {
  const spec = runSpecSchema.parse({
    schemaVersion: 1,
    model: 'm',
    dataset: { train: 'd', mapping: { kind: 'chat', messages: 'm' } },
    method: { type: 'lora' },
    optimizer: { type: 'adamw', learning_rate: 0.001 },
    batch: { grad_accum_steps: 8 },
    parallel: { dp_size: 2 },
  });
  expect(spec).toMatchObject({
    schemaVersion: 2,
    batch: { grad_accum_steps: 4 },
    optimizer: { learning_rate: 0.001 },
  });
});

const method = (target_modules: unknown) => ({ schemaVersion: 2, method: { type: 'lora', target_modules } });

it.each([
  ['all-linear', ['*']],
  ['ALL_LINEAR', ['*']],
  [['all-linear'], ['*']],
  ['q_proj,v_proj', ['q_proj', 'v_proj']],
  [' q_proj , v_proj, ', ['q_proj', 'v_proj']],
  ['mlp.*', ['mlp.*']],
  [[' q_proj '], ['q_proj']],
])('target modules in words of other tools: %j -> %j', (written, read) => {
  const { spec, notes } = migrateSpec(method(written));
  expect(spec).toEqual(method(read));
  expect(notes).toEqual([
    `method.target_modules ${JSON.stringify(written)} is read as ${JSON.stringify(read)}.`,
  ]);
});

it.each([
  ['list', ['q_proj']],
  ['number', 7],
  ['mixed', ['q_proj', 7]],
  ['none', undefined],
])('target modules that are a %s stay', (_, written) => {
  expect(migrateSpec(method(written))).toEqual({ spec: method(written), notes: [] });
});

it('an old spec is migrated in both', () => {
  const { spec, notes } = migrateSpec({ ...method('all-linear'), schemaVersion: 1 });
  expect(spec).toMatchObject(method(['*']));
  expect(notes).toHaveLength(2);
});
