/** The objectives of electron/shared/spec/objectives.ts are those of native/core/recipe/objectives.cpp, and their metrics are known. */
import { expect, it } from 'vitest';
import { native as call } from '../../electron/server/native/addon.ts';
import { metrics } from '../../electron/shared/runs/metrics.ts';
import { objectives } from '../../electron/shared/spec/objectives.ts';
import { mappingSchema } from '../../electron/shared/spec/run-spec.ts';
import { describeWithAddon } from './addon-built.ts';

describeWithAddon('objectives of the schema and of the core', () => {
  it('are the same', () => {
    const rows = objectives.map(({ type, documents, reference }) => ({ type, documents, reference }));
    expect(call((addon) => addon.objectives())).toEqual(rows);
  });

  it('measure metrics of the registry, from mappings that there are', () => {
    const kinds = mappingSchema.options.map((option) => option.shape.kind.value);
    for (const { mappings, metrics: measured } of objectives) {
      expect(kinds).toEqual(expect.arrayContaining([...mappings]));
      for (const event of ['step', 'eval'] as const) {
        const known = metrics.filter((row) => row.events.includes(event)).map(({ name }) => name);
        expect(known).toEqual(expect.arrayContaining([...measured[event]]));
      }
    }
  });
});
