/** Resolving a good spec and previewing it; planner and model folder are stand-ins. */
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { prepareDataset } from '../../../electron/server/datasets/prepare.ts';
import { runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import { MemoryStores } from '../datasets/fixtures.ts';
import { data, forecast, modelFolder, planner, scratch, service, spec, wait } from './fixtures.ts';

describe('a good spec', () => {
  it('is resolved: absolute paths, defaults, a name; and what is resolved is a spec again', async () => {
    const { specs, datasets } = service();
    const { issues, resolved, preview } = await specs.validate(spec(), { wait });
    expect(issues).toEqual([]);
    expect(resolved).toMatchObject({
      name: 'Tiny on train.jsonl, LoRA r16',
      model: modelFolder,
      dataset: { train: data, eval: null },
      seed: 42,
    });
    expect(runSpecSchema.parse(resolved)).toEqual(resolved);
    // The third column of the rows is in no use: said, not hidden.
    expect(preview?.warnings).toEqual(['Not used of "train.jsonl": column "n".']);

    const { id } = await datasets.library.import(data);
    const fromLibrary = await specs.validate(spec({ name: 'mine', dataset: { train: `library:${id}` } }), {
      wait,
    });
    expect(fromLibrary.issues).toEqual([]);
    expect(fromLibrary.resolved).toMatchObject({
      name: 'mine',
      dataset: { train: (await datasets.library.open(id)).rowsPath },
    });
    const relative = await specs.validate(spec({ dataset: { train: 'train.jsonl' } }), {
      wait,
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
      { wait },
    );
    expect(preview).toMatchObject({
      modelName: 'Tiny',
      trainRows: 36,
      evalRows: 4,
      globalBatch: { sequences: 6, tokens: 6 * 128 },
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

  it('says how it is laid out over ranks', async () => {
    const { specs } = service();
    const parallel = { dp_size: 2, tp_size: 2, sequence_parallel: true, zero_stage: 3 };
    const { preview } = await specs.validate(spec({ parallel, batch: { grad_accum_steps: 2 } }), {
      wait,
    });
    expect(preview?.globalBatch.sequences).toBe(16);
    expect(preview?.summary.join('\n')).toContain('(4 at once x 2 accumulated x 2 data-parallel ranks)');
    expect(preview?.summary.join('\n')).toContain(
      'It runs on 4 ranks: 2 copies of the model take 2 micro-batches of a step each, every matrix is sharded over 2, and so are the activations between them, ZeRO 3 partitions optimizer states, gradients and weights.',
    );
  });

  it('ranks layouts by the memory that the preview forecasts, and without data by what the spec allows', async () => {
    const planned: number[] = [];
    const planLayout: typeof planner.planLayout = (config, json, threads) => {
      planned.push(JSON.parse(json).batch.seq_len);
      return planner.planLayout(config, json, threads);
    };
    const { specs } = service({ planner: { ...planner, planLayout } });
    const long = spec({ batch: { seq_len: 256 } });
    await specs.validate(long, { wait });
    const [longest] = planned.splice(0);
    expect(longest).toBeLessThan(256);
    await specs.layouts(long, 2);
    expect(new Set(planned.splice(0))).toEqual(new Set([longest]));
    await specs.layouts(spec({ batch: { seq_len: 256 }, dataset: { train: 'nowhere.jsonl' } }), 2);
    expect(new Set(planned)).toEqual(new Set([256]));
  });

  it('forecasts memory for the longest row there is, not for a longer sequence length', async () => {
    const planned: number[] = [];
    const planMemory = (_: string, json: string) => {
      planned.push(JSON.parse(json).batch.seq_len);
      return forecast;
    };
    const { specs } = service({ planner: { ...planner, planMemory } });
    await specs.validate(spec({ batch: { seq_len: 256 } }), { wait });
    await specs.validate(spec({ batch: { seq_len: 90 } }), { wait });
    await specs.validate(spec({ batch: { seq_len: 256, packing: true } }), { wait });
    expect(planned[0]).toBeGreaterThan(90);
    expect(planned[0]).toBeLessThan(100);
    expect(planned.slice(1)).toEqual([90, 256]);
  });

  it('counts packed sequences', async () => {
    const { specs } = service();
    const batch = { seq_len: 256, micro_batch_size: 1, grad_accum_steps: 1 };
    const plain = await specs.validate(spec({ batch }), { wait });
    const packed = await specs.validate(spec({ batch: { ...batch, packing: true } }), { wait });
    expect(plain.preview?.totalSteps).toBe(38);
    expect(packed.preview?.totalSteps).toBeGreaterThan(5);
    expect(packed.preview?.totalSteps).toBeLessThanOrEqual(19);
  });

  it('does not wait longer than told; steps are counted from the rows then', async () => {
    const { specs } = service();
    const impatient = { wait: { milliseconds: 0 } };
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
    const { preview, issues } = await specs.validate(spec(), { wait });
    expect(issues).toEqual([]);
    expect(preview?.memory.verdict).toBe(verdict);
    expect(preview?.warnings.join()).toMatch(warning);
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
      ).specs.validate({ ...spec(), ...preset.spec }, { wait });
      expect(issues, preset.id).toEqual([]);
    }
  });
});
