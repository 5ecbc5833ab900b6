/** A SpecService over stand-ins: a model folder without weights, a planner with fixed answers, forty rows of questions. */
import { mkdtempSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';
import { DatasetService } from '../../../electron/server/datasets/service.ts';
import type { RankForecast } from '../../../electron/server/native/addon.ts';
import type { SpecContext } from '../../../electron/server/spec/context.ts';
import { SpecService } from '../../../electron/server/spec/service.ts';
import type { Device, ModelCard } from '../../../electron/shared/api/entities.ts';
import { CollieError } from '../../../electron/shared/errors.ts';
import { jsonl, writeText } from '../datasets/fixtures.ts';
import { tinyModel } from '../tokenize/fixtures.ts';

export const scratch = mkdtempSync(join(tmpdir(), 'collie-spec-'));
afterAll(() => rm(scratch, { recursive: true, force: true }));
export const modelFolder = join(scratch, 'model');

const card: ModelCard = {
  id: 'tiny',
  name: 'Tiny',
  path: modelFolder,
  origin: 'folder',
  source: modelFolder,
  family: 'llama',
  architecture: 'LlamaForCausalLM',
  parameters: 1000,
  dtype: 'BF16',
  layers: 2,
  hiddenSize: 8,
  heads: 2,
  kvHeads: 1,
  intermediateSize: 16,
  contextLength: 256,
  vocabSize: 512,
  tiedEmbeddings: true,
  sizeBytes: 2000,
  hasChatTemplate: true,
  notes: [],
  traits: [],
  limits: [],
  fileModules: {},
  made: [],
  problem: null,
  importedAt: '2026-01-01T00:00:00.000Z',
};

export const forecast = {
  weightsBytes: 400,
  gradientsBytes: 100,
  optimizerBytes: 200,
  activationsBytes: 300,
  totalBytes: 1000,
  totalParams: 1000,
  trainableParams: 10,
  adapterBytes: 40,
};

const cpu: Device = { kind: 'cpu', index: 0, name: 'CPU', units: 2, memoryTotalBytes: 1, features: [] };

const oneRank: RankForecast = {
  rank: 0,
  stage: 0,
  tpRank: 0,
  layers: 2,
  memory: {
    weightsBytes: 400,
    gradientsBytes: 100,
    optimizerBytes: 200,
    activationsBytes: 300,
    totalBytes: 1000,
  },
  flopsPerToken: 6000,
  traffic: { tensor: 0, pipeline: 0, data: 0 },
};

/** First fit in the order given: enough for a planner whose order does not matter here. */
export const planner: SpecContext['planner'] = {
  planMemory: () => forecast,
  planLayout: () => [oneRank],
  tensorParallelSizes: (_, most) => [1, 2].filter((tp) => tp <= most),
  planEpochSequences: (lengths, { packing, seqLen }) => {
    if (!packing) return lengths.length;
    const room: number[] = [];
    for (const length of lengths) {
      const at = room.findIndex((free) => free >= length);
      if (at < 0) room.push(seqLen - length);
      else room[at] = (room[at] as number) - length;
    }
    return room.length;
  },
  devices: () => [cpu],
};

let home = 0;
export function service(
  machine: Partial<Pick<SpecContext, 'planner' | 'freeMemoryBytes'>> = {},
  model: Partial<ModelCard> = {},
) {
  home += 1;
  const datasets = new DatasetService(join(scratch, `home-${home}`), async () => modelFolder);
  const specs = new SpecService(
    datasets,
    async (reference) => {
      if (reference !== 'library:tiny')
        throw new CollieError('model.not_found', `There is no model ${reference}.`, 'Import it.');
      return { path: modelFolder, card: { ...card, ...model } };
    },
    { planner, freeMemoryBytes: () => 10_000, ...machine },
  );
  return { specs, datasets };
}

export const rows = Array.from({ length: 40 }, (_, k) => ({
  question: `What is ${k}?`,
  answer: `${k} it is.`,
  n: k,
}));
/** Training data, and evaluation data with other columns. */
export const data = join(scratch, 'train.jsonl');
export const evalData = join(scratch, 'eval.jsonl');
beforeAll(async () => {
  await mkdir(modelFolder, { recursive: true });
  await cp(tinyModel, modelFolder, { recursive: true });
  await writeFile(join(modelFolder, 'config.json'), '{}');
  await writeText(data, jsonl(rows));
  await writeText(evalData, jsonl([{ q: 'x', answer: 'y' }]));
});

/** A good spec with other settings. */
export const spec = (changes: Record<string, unknown> = {}) => {
  const { dataset, ...rest } = changes as { dataset?: object };
  return {
    model: 'library:tiny',
    dataset: {
      train: data,
      mapping: { kind: 'prompt_answer', prompt: 'question', answer: 'answer' },
      ...dataset,
    },
    method: { type: 'lora' },
    optimizer: { type: 'adamw' },
    batch: { seq_len: 128 },
    ...rest,
  };
};
export const wait = 'until_known' as const;
