/** What the reports make of measured runs, and the models of random weights that a study is run on. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { newStatus } from '../../../electron/server/runs/rebuild.ts';
import type { StudyRunMeasured } from '../../../electron/server/studies/measured.ts';
import { memoryTables } from '../../../electron/server/studies/memory-report.ts';
import {
  contenders,
  qualityFigures,
  qualityTables,
} from '../../../electron/server/studies/quality-report.ts';
import { modelOfShape } from '../../../electron/server/studies/shapes.ts';
import { sentByTheory, throughputTables } from '../../../electron/server/studies/throughput-report.ts';
import type { Verdict } from '../../../electron/shared/runs/comparison.ts';
import { type RunSpec, runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';
import { scratchFolder } from '../datasets/fixtures.ts';

const spec = (part: Record<string, unknown>): RunSpec =>
  runSpecSchema.parse({
    ...{ model: 'm', method: { type: 'full' }, optimizer: { type: 'adamw', learning_rate: 1e-4 } },
    dataset: { train: 'x', mapping: { kind: 'prompt_answer', prompt: 'q', answer: 'a' } },
    ...part,
  });

function measured(id: string, part: Partial<StudyRunMeasured>): StudyRunMeasured {
  return {
    run: { id, values: { id }, seed: null },
    status: { ...newStatus(id, id), state: 'completed' },
    spec: spec({}),
    ...{ ranks: 1, totalParams: 1e8, trainableParams: 1e8, peakBytes: 2e9, forecastBytes: 1.9e9 },
    ...{ tokensPerSecond: 100, waiting: null, sentBytes: null, evalLoss: null, trainSeconds: 5 },
    ...{ untrainedLoss: null, numberMatch: null, untrainedMatch: null },
    ...part,
  };
}

describe('the memory report', () => {
  it('holds the growth with the model beside the paper, without what does not grow', () => {
    const [runs, growth] = memoryTables([
      measured('small', { totalParams: 1e8, peakBytes: 2e9, forecastBytes: 1.8e9 }),
      measured('large', { totalParams: 3e8, peakBytes: 5.2e9, forecastBytes: 5e9 }),
    ]);
    expect(runs?.rows.map((row) => row.slice(-2))).toEqual([
      [0.9, 20],
      [0.962, 17.3],
    ]);
    expect(growth?.rows).toEqual([['full', 'adamw', 16, 16, 30.5]]);
  });
});

describe('the throughput report', () => {
  const layout = (parallel: Record<string, number>) =>
    spec({ parallel, batch: { seq_len: 10, micro_batch_size: 1, grad_accum_steps: 4 } });

  it('says the speed of a rank over that of one alone, and the bubble by theory beside the waiting measured', () => {
    const [table] = throughputTables(
      [
        measured('one', { spec: layout({}), tokensPerSecond: 100 }),
        measured('two', {
          spec: layout({ pp_size: 2 }),
          ranks: 2,
          tokensPerSecond: 160,
          waiting: 0.25,
          sentBytes: 4.2e6,
        }),
      ],
      () => null,
    );
    expect(table?.rows.map((row) => row.slice(2))).toEqual([
      ['one rank', 1, 100, 100, '100%', null, null, null, null],
      ['pp 2', 2, 80, 160, '80%', '20%', '25%', 4.2, null],
    ]);
  });

  it('counts what ring collectives send', () => {
    const shape = { layers: 2, hidden: 5 };
    const sent = (parallel: Record<string, number>) => sentByTheory(layout(parallel), 1000, shape);
    expect(sent({ dp_size: 2 })).toBeCloseTo(4 * 1000, 6);
    // Half of 1,000 gradients in fp32, and of the weights in bf16.
    expect(sent({ dp_size: 2, zero_stage: 1 })).toBeCloseTo(500 * (4 + 2), 6);
    // Of four micro-batches.
    expect(sent({ dp_size: 2, zero_stage: 2 })).toBeCloseTo(500 * (4 * 4 + 2), 6);
    expect(sent({ dp_size: 2, zero_stage: 3 })).toBeCloseTo(500 * 4 * (4 + 2 * 2), 6);
    // Four all-reduces a layer, each sends 2 (t-1)/t of 40 x 5 numbers, in bf16.
    expect(sent({ tp_size: 2 })).toBeCloseTo(2 * 4 * 2 * 200, 6);
    expect(sent({ pp_size: 2 })).toBeCloseTo(2 * 200, 6);
  });
});

describe('the quality report', () => {
  const run = (id: string, optimizer: string, rate: number, evalLoss: number | null) =>
    measured(id, { evalLoss, spec: spec({ optimizer: { type: optimizer, learning_rate: rate } }) });
  const runs = [
    ...[
      run('a1', 'adamw', 1e-4, 2),
      run('a2', 'adamw', 1e-4, 2.2),
      run('b1', 'adamw', 1e-3, 1),
      run('b2', 'adamw', 1e-3, 1.2),
    ],
    ...[run('c1', 'lion', 1e-5, 1.5), run('d1', 'lion', 1e-3, null)],
  ];

  it('takes each at the best of its rates, over seeds', () => {
    expect(
      contenders(runs).map(({ title, rate, loss, runs: own }) => [title, rate, loss, own.length]),
    ).toEqual([
      ['full with adamw', 1e-3, 1.1, 2],
      ['full with lion', 1e-5, 1.5, 1],
    ]);
    const [best, all] = qualityTables(runs, []);
    expect(best?.rows[0]?.at(-1)).toBe('the best');
    expect(all?.rows.at(-1)).toEqual(['full with lion', 1e-3, 'not finite, or not evaluated', 0]);
  });

  it('has its tables for each dataset, with the share of right numbers, and the model that was not trained', () => {
    const on = (train: string, id: string, part: Partial<StudyRunMeasured>) =>
      measured(id, { run: { id, values: { 'dataset.train': train }, seed: 1 }, untrainedLoss: 3, ...part });
    const own = [
      on('library:sample', 's', { evalLoss: 1 }),
      on('library:gsm8k', 'g', { evalLoss: 2, numberMatch: 0.25, untrainedMatch: 0.125 }),
      on('library:gsm8k', 'h', {
        ...{ evalLoss: 2.5, numberMatch: 0.5, untrainedMatch: 0.125 },
        spec: spec({ optimizer: { type: 'lion', learning_rate: 1e-4 } }),
      }),
    ];
    const verdict = (set: string) => ({ candidate: 'h', set, sentence: `on ${set}` }) as Verdict;
    const tables = qualityTables(own, [verdict('eval'), verdict('answers')]);
    expect(tables.map(({ title }) => title)).toEqual([
      ...['sample: each at the best of its rates, best first', 'sample: every rate'],
      ...['gsm8k: each at the best of its rates, best first', 'gsm8k: every rate'],
    ]);
    expect(tables[0]?.columns).not.toContain('Right numbers');
    expect(tables[2]?.rows).toEqual([
      ['full with adamw', 1e-4, 2, null, 1, '25%', 5, 2, 'the best', null],
      ['full with lion', 1e-4, 2.5, null, 1, '50%', 5, 2, 'on eval', 'on answers'],
      ['not trained', null, 3, null, null, '12.5%', null, null, null, null],
    ]);
    expect(tables.every(({ columns, rows }) => rows.every((row) => row.length === columns.length))).toBe(
      true,
    );
    expect(qualityFigures(own).map(({ points }) => points.length)).toEqual([1, 2]);
  });
});

it('a model of another depth has the shape of the one it is made of', () => {
  const folder = scratchFolder('shape');
  const model = join(folder, 'small');
  mkdirSync(model);
  const tensor = (shape: number[], begin: number) => ({
    dtype: 'BF16',
    shape,
    data_offsets: [begin, begin + 2 * shape.reduce((a, b) => a * b)],
  });
  const header = {
    'model.embed.weight': tensor([4, 2], 0),
    'model.layers.0.norm.weight': tensor([2], 16),
    'model.layers.1.norm.weight': tensor([2], 20),
  };
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  writeFileSync(join(model, 'model.safetensors'), Buffer.concat([size, text, Buffer.alloc(24)]));
  writeFileSync(join(model, 'config.json'), '{"num_hidden_layers": 2, "hidden_size": 2}');
  writeFileSync(join(model, 'tokenizer.json'), '{}');
  const made = modelOfShape(model, 3, join(folder, 'cache'));
  expect(made).toBe(join(folder, 'cache/small-3-layers'));
  expect(JSON.parse(readFileSync(join(made, 'config.json'), 'utf8')).num_hidden_layers).toBe(3);
  expect(readFileSync(join(made, 'tokenizer.json'), 'utf8')).toBe('{}');
  const bytes = readFileSync(join(made, 'model.safetensors'));
  const length = Number(bytes.readBigUInt64LE());
  const found = JSON.parse(bytes.subarray(8, 8 + length).toString());
  expect(Object.keys(found)).toEqual([
    'model.embed.weight',
    ...[0, 1, 2].map((k) => `model.layers.${k}.norm.weight`),
  ]);
  expect(bytes.length).toBe(8 + length + 16 + 12);
  // Norms are ones.
  expect(bytes.subarray(-4).toString('hex')).toBe('803f803f');
  expect(modelOfShape(model, 3, join(folder, 'cache'))).toBe(made);
});
