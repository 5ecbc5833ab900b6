/** Every preset is a partial RunSpec: merged over a model and a dataset it resolves without an issue. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkMethod } from '../../electron/server/spec/check-method.ts';
import { checkOptimization } from '../../electron/server/spec/check-optimization.ts';
import type { Findings, Found } from '../../electron/server/spec/context.ts';
import { presetSchema } from '../../electron/shared/api/entities.ts';
import { runSpecSchema } from '../../electron/shared/spec/run-spec.ts';

const folder = new URL('../../assets/presets/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.json'));
const load = (file: string) => presetSchema.parse(JSON.parse(readFileSync(new URL(file, folder), 'utf8')));

const base = {
  model: 'library:a',
  dataset: { train: 'library:b', mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' } },
};

/** Paths of all leaves that `partial` sets. */
function leaves(partial: object, prefix: string[] = []): { path: string[]; value: unknown }[] {
  return Object.entries(partial).flatMap(([key, value]) =>
    value && typeof value === 'object' && !Array.isArray(value)
      ? leaves(value, [...prefix, key])
      : [{ path: [...prefix, key], value }],
  );
}

describe('presets', () => {
  it('are all there', () => {
    expect(files.sort()).toEqual([
      'full-small.json',
      'lomo-full.json',
      'long-context.json',
      'lora-quality.json',
      'lora-quick.json',
      'prompt-tuning.json',
      'qlora-small-gpu.json',
      'quickstart.json',
    ]);
  });

  it.each(files)('%s is named by its id and says what it is for', (file) => {
    const preset = load(file);
    expect(`${preset.id}.json`).toBe(file);
    expect(preset.title.length).toBeGreaterThan(3);
    expect(preset.description).toMatch(/\.$|\?$/);
  });

  it.each(files)('%s resolves, and every value it sets arrives', (file) => {
    const preset = load(file);
    const resolved = runSpecSchema.parse({ ...base, ...preset.spec });
    for (const { path, value } of leaves(preset.spec)) {
      const found = path.reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], resolved);
      expect(found, path.join('.')).toEqual(value);
    }
  });

  it.each(files)('%s goes together: no issue and no warning about its method and optimizer', (file) => {
    const parts = runSpecSchema.parse({ ...base, ...load(file).spec });
    const findings: Findings = { issues: [], warnings: [] };
    const card = { name: 'any', layers: 30, contextLength: 8192, tiedEmbeddings: true };
    checkMethod(parts, { model: { path: '/m', card } } as unknown as Found, findings);
    checkOptimization(parts, findings);
    expect(findings).toEqual({ issues: [], warnings: [] });
  });

  it.each(files)('%s leaves model and data to the user', (file) => {
    const keys = Object.keys(load(file).spec);
    expect(keys).not.toContain('model');
    expect(keys).not.toContain('dataset');
  });
});
