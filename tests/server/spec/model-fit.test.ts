/** What a model takes with each method; the planner is a stand-in. */
import { expect, it } from 'vitest';
import { modelFit } from '../../../electron/server/spec/model-fit.ts';
import type { ModelCard } from '../../../electron/shared/api/entities.ts';
import { CollieError } from '../../../electron/shared/errors.ts';
import { methodTypes } from '../../../electron/shared/spec/methods.ts';
import type { RunSpec } from '../../../electron/shared/spec/run-spec.ts';
import { gpu, machine, planLayout } from './layout-fixtures.ts';

const card = { contextLength: 512 } as ModelCard;
const specs: RunSpec[] = [];
const planner = (fails: string) => ({
  tensorParallelSizes: () => [1],
  planLayout: (config: string, json: string) => {
    const spec = JSON.parse(json) as RunSpec;
    specs.push(spec);
    if (spec.method.type === fails)
      throw new CollieError('model.unsupported_feature', 'It has no biases.', '');
    return planLayout(config, json).map((rank) => ({
      ...rank,
      memory: { ...rank.memory, totalBytes: 800 * (spec.method.type === 'full' ? 2 : 1) },
    }));
  },
});

it('every method is forecast on the first GPU, the cheapest first, refused ones last', () => {
  const fit = modelFit('{}', card, { ...machine(5000, [gpu]), planner: planner('bitfit') });
  expect(fit).toMatchObject({ device: 'GPU', availableBytes: 1000, seqLen: 512 });
  expect(fit.methods.map(({ type }) => type).sort()).toEqual([...methodTypes].sort());
  expect(fit.methods[0]).toMatchObject({ totalBytes: 800, verdict: 'fits', refusal: null });
  expect(fit.methods.at(-2)).toMatchObject({ type: 'full', totalBytes: 1600, verdict: 'does_not_fit' });
  expect(fit.methods.at(-1)).toEqual({
    type: 'bitfit',
    title: 'BitFit',
    totalBytes: null,
    verdict: null,
    refusal: 'It has no biases.',
  });
  expect(specs.every(({ device, batch }) => device === 'cuda' && batch.seq_len === 512)).toBe(true);
});

it('without a GPU it is forecast on the CPU, of the memory that is free', () => {
  const fit = modelFit('{}', { contextLength: 131072 } as ModelCard, {
    ...machine(900),
    planner: planner(''),
  });
  expect(fit).toMatchObject({ availableBytes: 900, seqLen: 1024 });
  expect(fit.methods[0]?.verdict).toBe('tight');
  expect(specs.at(-1)?.device).toBe('cpu');
});

it('an engine that is not built is no fault of the model', () => {
  const broken = () => {
    throw new CollieError('engine.not_built', 'Not built.', '');
  };
  const planning = { tensorParallelSizes: () => [1], planLayout: broken };
  expect(() => modelFit('{}', card, { ...machine(900), planner: planning })).toThrow('Not built.');
});
