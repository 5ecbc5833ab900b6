/** Every preset is a partial RunSpec: merged over a model and a dataset it resolves without an issue. */
import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { presetSchema } from '../../electron/shared/entities.ts';
import { runSpecSchema } from '../../electron/shared/run-spec.ts';

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
      'long-context.json',
      'lora-quality.json',
      'lora-quick.json',
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

  it.each(files)('%s leaves model and data to the user', (file) => {
    const keys = Object.keys(load(file).spec);
    expect(keys).not.toContain('model');
    expect(keys).not.toContain('dataset');
  });
});
