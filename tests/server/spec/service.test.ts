/** Checking against model, data and machine, resolving, and the preview; planner and model folder are stand-ins. */
import { mkdtempSync } from 'node:fs';
import { cp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { prepareDataset } from '../../../electron/server/datasets/prepare.ts';
import { DatasetService } from '../../../electron/server/datasets/service.ts';
import type { RankForecast } from '../../../electron/server/native/addon.ts';
import type { SpecContext } from '../../../electron/server/spec/context.ts';
import { SpecService } from '../../../electron/server/spec/service.ts';
import type { Device, ModelCard } from '../../../electron/shared/entities.ts';
import { CollieError } from '../../../electron/shared/errors.ts';
import { runSpecSchema } from '../../../electron/shared/run-spec.ts';
import { jsonl, MemoryStores, writeText } from '../datasets/fixtures.ts';
import { tinyModel } from '../tokenize/fixtures.ts';

const scratch = mkdtempSync(join(tmpdir(), 'collie-spec-'));
afterAll(() => rm(scratch, { recursive: true, force: true }));
const modelFolder = join(scratch, 'model');

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
  problem: null,
  importedAt: '2026-01-01T00:00:00.000Z',
};

const forecast = {
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
const planner: SpecContext['planner'] = {
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
function service(
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

const rows = Array.from({ length: 40 }, (_, k) => ({
  question: `What is ${k}?`,
  answer: `${k} it is.`,
  n: k,
}));
let data: string;
let evalData: string;
beforeAll(async () => {
  await mkdir(modelFolder, { recursive: true });
  await cp(tinyModel, modelFolder, { recursive: true });
  await writeFile(join(modelFolder, 'config.json'), '{}');
  data = await writeText(join(scratch, 'train.jsonl'), jsonl(rows));
  evalData = await writeText(join(scratch, 'eval.jsonl'), jsonl([{ q: 'x', answer: 'y' }]));
});

const spec = (changes: Record<string, unknown> = {}) => {
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
const patience = 'until_known' as const;

describe('a good spec', () => {
  it('is resolved: absolute paths, defaults, a name; and what is resolved is a spec again', async () => {
    const { specs, datasets } = service();
    const { issues, resolved, preview } = await specs.validate(spec(), { patience });
    expect(issues).toEqual([]);
    expect(resolved).toMatchObject({
      name: 'Tiny on train.jsonl, LoRA r16',
      model: modelFolder,
      dataset: { train: data, eval: null },
      seed: 42,
    });
    expect(runSpecSchema.parse(resolved)).toEqual(resolved);
    expect(preview?.warnings).toEqual([]);

    const { id } = await datasets.library.import(data);
    const fromLibrary = await specs.validate(spec({ name: 'mine', dataset: { train: `library:${id}` } }), {
      patience,
    });
    expect(fromLibrary.issues).toEqual([]);
    expect(fromLibrary.resolved).toMatchObject({
      name: 'mine',
      dataset: { train: (await datasets.library.open(id)).rowsPath },
    });
    const relative = await specs.validate(spec({ dataset: { train: 'train.jsonl' } }), {
      patience,
      base: scratch,
    });
    expect(relative.resolved?.dataset.train).toBe(data);
  });

  it('is previewed with the rows and steps the run will have', async () => {
    const { specs } = service();
    const { preview, resolved } = await specs.validate(
      spec({
        dataset: { eval_fraction: 0.1 },
        batch: { seq_len: 128, micro_batch_size: 3, grad_accum_steps: 2 },
        duration: { value: 2.5 },
      }),
      { patience },
    );
    expect(preview).toMatchObject({
      modelName: 'Tiny',
      trainRows: 36,
      evalRows: 4,
      sequencesPerStep: 6,
      stepsPerEpoch: 6,
      totalSteps: 15,
      trainableParams: 10,
      memory: { totalBytes: 1000, availableBytes: 10_000, verdict: 'fits' },
    });
    const summary = preview?.summary.join('\n');
    expect(summary).toMatch(
      /Tiny trains LoRA adapters of rank 16: 10 parameters, 1\.0% of the 1,000 of the model, in bf16 on the CPU/,
    );
    expect(summary).toMatch(/reads 36 rows of "train.jsonl" in 15 steps \(6 steps an epoch\)/);
    expect(summary).toMatch(/4 held-out rows are evaluated at the start and the end/);
    if (!resolved) throw new Error('not resolved');
    const stores = new MemoryStores();
    await prepareDataset(resolved, modelFolder, join(scratch, 'run'), undefined, undefined, stores);
    expect(stores.documents('train')).toHaveLength(36);
    expect(stores.documents('eval')).toHaveLength(4);
  });

  it('forecasts memory for the longest row there is, not for a longer sequence length', async () => {
    const planned: number[] = [];
    const planMemory = (_: string, json: string) => {
      planned.push(JSON.parse(json).batch.seq_len);
      return forecast;
    };
    const { specs } = service({ planner: { ...planner, planMemory } });
    await specs.validate(spec({ batch: { seq_len: 256 } }), { patience });
    await specs.validate(spec({ batch: { seq_len: 90 } }), { patience });
    await specs.validate(spec({ batch: { seq_len: 256, packing: true } }), { patience });
    expect(planned[0]).toBeGreaterThan(90);
    expect(planned[0]).toBeLessThan(100);
    expect(planned.slice(1)).toEqual([90, 256]);
  });

  it('counts packed sequences', async () => {
    const { specs } = service();
    const batch = { seq_len: 256, micro_batch_size: 1, grad_accum_steps: 1 };
    const plain = await specs.validate(spec({ batch }), { patience });
    const packed = await specs.validate(spec({ batch: { ...batch, packing: true } }), { patience });
    expect(plain.preview?.totalSteps).toBe(38);
    expect(packed.preview?.totalSteps).toBeGreaterThan(5);
    expect(packed.preview?.totalSteps).toBeLessThanOrEqual(19);
  });

  it('does not wait longer than told; steps are counted from the rows then', async () => {
    const { specs } = service();
    const impatient = { patience: { milliseconds: 0 } };
    const plain = await specs.validate(spec(), impatient);
    expect(plain.preview).toMatchObject({ trainRows: 38, stepsPerEpoch: 5, totalSteps: 5 });
    const other = service();
    const packed = await other.specs.validate(spec({ batch: { seq_len: 128, packing: true } }), impatient);
    expect(packed.preview).toMatchObject({ stepsPerEpoch: null, totalSteps: null });
    expect(packed.preview?.summary.join(' ')).toContain('counted when the run starts');
  });

  it.each([
    [1000, 'tight', /it is tight/],
    [999, 'does_not_fit', /does not fit/],
  ])('with %i bytes free: %s', async (free, verdict, warning) => {
    const { specs } = service({ freeMemoryBytes: () => free });
    const { preview, issues } = await specs.validate(spec(), { patience });
    expect(issues).toEqual([]);
    expect(preview?.memory.verdict).toBe(verdict);
    expect(preview?.warnings.join()).toMatch(warning);
  });
});

describe('what is wrong', () => {
  const codes = async (input: unknown, machine = {}, model = {}) => {
    const { issues, resolved } = await service(machine, model).specs.validate(input, { patience });
    expect(resolved).toBeNull();
    return issues;
  };

  it('comes back together: schema, references and settings that do not go together', async () => {
    const issues = await codes({
      ...spec(),
      model: 'library:none',
      dataset: { train: '/nowhere.jsonl', mapping: { kind: 'chat', messages: 'm' }, eval_fraction: 0 },
      method: { type: 'lora', target_modules: ['q_proj', 'q_proj'] },
      duration: { unit: 'steps', value: 2.5 },
      evaluation: { every_steps: 10 },
      device: 'cuda',
      sede: 3,
      threads: -1,
    });
    expect(issues.map(({ path, code }) => `${path} ${code}`).sort()).toEqual([
      'dataset.train dataset.not_found',
      'device device.unavailable',
      'duration.value not_whole',
      'evaluation.every_steps no_evaluation_rows',
      'method.target_modules duplicate',
      'model model.not_found',
      'sede unknown_key',
      'threads too_small',
    ]);
    for (const { path, message } of issues) expect(message, path).not.toBe('');
  });

  it.each<[string, () => object, string, string, RegExp]>([
    [
      'a column that is not there',
      () => ({ dataset: { mapping: { kind: 'prompt_answer', prompt: 'questoin', answer: 'answer' } } }),
      'dataset.mapping.prompt',
      'dataset.missing_column',
      /It has: question, answer, n/,
    ],
    [
      'a column of numbers',
      () => ({ dataset: { mapping: { kind: 'prompt_answer', prompt: 'question', answer: 'n' } } }),
      'dataset.mapping.answer',
      'dataset.bad_row',
      /"n" of "train.jsonl" holds values of type number/,
    ],
    [
      'evaluation data with other columns',
      () => ({ dataset: { eval: evalData } }),
      'dataset.eval',
      'dataset.missing_column',
      /"eval.jsonl" has no column "question"/,
    ],
    [
      'a sequence length above the context',
      () => ({ batch: { seq_len: 512 } }),
      'batch.seq_len',
      'above_context',
      /512 tokens; the model "Tiny" takes at most 256/,
    ],
    [
      'nothing left at the sequence length',
      () => ({ batch: { seq_len: 8 } }),
      'batch.seq_len',
      'dataset.all_masked',
      /all 40 rows have no answer token/,
    ],
    [
      'all dropped',
      () => ({ batch: { seq_len: 8 }, dataset: { too_long: 'drop' } }),
      'batch.seq_len',
      'dataset.all_masked',
      /all 40 rows are longer and dropped/,
    ],
    [
      'samples above the context',
      () => ({ sampling: { prompts: ['x'], max_new_tokens: 256 } }),
      'sampling.max_new_tokens',
      'above_context',
      /256 tokens do not fit/,
    ],
  ])('%s', async (_, change, path, code, message) => {
    const issues = await codes(spec({ batch: { seq_len: 128 }, ...change() }));
    expect(issues).toHaveLength(1);
    expect(issues[0]).toMatchObject({ path, code });
    expect(issues[0]?.message).toMatch(message);
    expect(issues[0]?.suggestion).not.toBe('');
  });

  it('leaves the forecast where it can be made: what a choice costs is seen while it is mended', async () => {
    const input = spec({ method: { type: 'lora', target_modules: ['w1'] } });
    const { issues, resolved, preview } = await service().specs.validate(input, { patience });
    expect(issues).toMatchObject([{ path: 'method.target_modules', code: 'no_match' }]);
    expect(resolved).toBeNull();
    expect(preview).toMatchObject({ trainableParams: 10, memory: { totalBytes: 1000 } });
  });

  it('a method that the planner refuses leaves the issue that says why', async () => {
    const refuse = () => {
      throw new CollieError('spec.invalid', 'Not in 4 bits.', '');
    };
    const input = spec({ method: { type: 'full' }, quantization: 'nf4' });
    const { specs } = service({ planner: { ...planner, planMemory: refuse } });
    const { issues, preview } = await specs.validate(input, { patience });
    expect(issues.map(({ path }) => path)).toEqual(['quantization']);
    expect(preview).toBeNull();
  });

  it('a bad row is found before the run starts', async () => {
    const bad = await writeText(
      join(scratch, 'bad.jsonl'),
      jsonl([...rows, { question: 'q', answer: null, n: 1 }]),
    );
    const issues = await codes(spec({ dataset: { train: bad } }));
    expect(issues).toMatchObject([{ path: 'dataset.train', code: 'dataset.bad_row' }]);
    expect(issues[0]?.message).toMatch(/Row 41, column "answer": it holds null/);
  });

  it('a bad row of the evaluation data is one of dataset.eval', async () => {
    const bad = await writeText(
      join(scratch, 'bad-eval.jsonl'),
      jsonl([{ question: 7, answer: 'x' }, rows[0]]),
    );
    const issues = await codes(spec({ dataset: { eval: bad } }));
    expect(issues).toMatchObject([{ path: 'dataset.eval', code: 'dataset.bad_row', received: bad }]);
    expect(issues[0]?.message).toMatch(/Row 1, column "question": it holds a number \(7\)/);
  });

  it('holding out the only row that can be trained on is an issue', async () => {
    const long = { question: 'word '.repeat(200), answer: 'late' };
    const path = await writeText(join(scratch, 'two.jsonl'), jsonl([rows[0], long]));
    const outcomes = await Promise.all(
      [1, 2, 3, 4, 5, 6, 7, 8].map((seed) =>
        service().specs.validate(spec({ seed, dataset: { train: path, eval_fraction: 0.5 } }), { patience }),
      ),
    );
    const failed = outcomes.filter(({ issues }) => issues.length > 0);
    expect(failed.length).toBeGreaterThan(0);
    expect(failed.length).toBeLessThan(8);
    for (const { issues } of failed)
      expect(issues).toMatchObject([{ path: 'dataset.eval_fraction', code: 'dataset.all_masked' }]);
  });

  it('a model that cannot be trained says why', async () => {
    const problem = {
      code: 'model.unknown_architecture',
      message: 'Mamba is unknown.',
      hint: 'Choose another.',
      data: {},
    };
    const issues = await codes(spec(), {}, { problem } as Partial<ModelCard>);
    expect(issues).toMatchObject([
      { path: 'model', code: 'model.unknown_architecture', suggestion: 'Choose another.' },
    ]);
  });

  it('a missing addon is an issue, not a crash', async () => {
    const missing = () => {
      throw new CollieError('engine.not_built', 'The native addon is missing.', 'Run setup.');
    };
    const issues = await codes(spec(), { planner: { ...planner, planMemory: missing } });
    expect(issues).toMatchObject([{ path: '', code: 'engine.not_built', suggestion: 'Run setup.' }]);
  });
});

describe('warnings do not stop a run', () => {
  it.each<[string, object, RegExp]>([
    [
      'a learning rate unusual for full',
      { method: { type: 'full' }, optimizer: { type: 'adamw', learning_rate: 0.002 } },
      /0\.002 is unusually high for full fine-tuning/,
    ],
    [
      'a learning rate unusual for LoRA',
      { optimizer: { type: 'adamw', learning_rate: 1e-7 } },
      /unusually low for LoRA/,
    ],
    [
      'nearly all warm-up',
      { schedule: { warmup_ratio: 1 } },
      /rises for 100% of the run and never reaches its peak/,
    ],
    ['a final share that has no effect', { schedule: { type: 'constant', min_lr_ratio: 0.1 } }, /no effect/],
    ['more threads than cores', { threads: 1024 }, /1024 threads share/],
    ['truncated rows', { batch: { seq_len: 90 } }, /are longer than 90 tokens and are truncated/],
  ])('%s', async (_, change, warning) => {
    const { issues, resolved, preview } = await service().specs.validate(spec(change), { patience });
    expect(issues).toEqual([]);
    expect(resolved).not.toBeNull();
    expect(preview?.warnings.join('\n')).toMatch(warning);
  });

  it('evaluating on the training data', async () => {
    const { preview } = await service().specs.validate(spec({ dataset: { eval: data } }), { patience });
    expect(preview?.warnings.join('\n')).toMatch(/evaluation data is the training data/);
  });
});

describe('presets', () => {
  it('are read and fit the schema', async () => {
    const presets = await service().specs.presets();
    expect(presets.length).toBeGreaterThan(2);
    for (const preset of presets) {
      const { issues } = await service(
        { freeMemoryBytes: () => 1e12 },
        { contextLength: 8192 },
      ).specs.validate({ ...spec(), ...preset.spec }, { patience });
      expect(issues, preset.id).toEqual([]);
    }
  });
});
