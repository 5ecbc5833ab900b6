/** What an export writes, checked number by number against the checkpoint and the base model. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ModelLibrary } from '../../electron/server/models/library.ts';
import { rankExecutable } from '../../electron/server/native/addon.ts';
import { rank } from '../support/rank.ts';
import { makeTinyModel } from '../support/tiny-model.ts';
import { errorOf, noEngine, temporaryFolder, tinyRun, trainToEnd } from './support.ts';

interface Tensor {
  dtype: string;
  shape: number[];
  values: Float32Array;
}

function readTensors(path: string): Record<string, Tensor> {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const { __metadata__: _, ...header } = JSON.parse(file.subarray(8, 8 + length).toString());
  const tensors: Record<string, Tensor> = {};
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(
    header as Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>,
  )) {
    const bytes = file.subarray(8 + length + data_offsets[0], 8 + length + data_offsets[1]);
    const copy = new Uint8Array(bytes).buffer;
    tensors[name] = { dtype, shape, values: dtype === 'F32' ? new Float32Array(copy) : fromBfloat16(copy) };
  }
  return tensors;
}

const fromBfloat16 = (bytes: ArrayBuffer) =>
  new Float32Array(Uint32Array.from(new Uint16Array(bytes), (half) => half << 16).buffer);

/** W + scale B A, in double. */
function merged(w: Tensor, a: Tensor, b: Tensor, scale: number): number[] {
  const [rows, columns] = w.shape as [number, number];
  const inner = a.shape[0] as number;
  const result = Array.from(w.values);
  for (let i = 0; i < rows; i++)
    for (let k = 0; k < inner; k++) {
      const factor = scale * (b.values[i * inner + k] as number);
      for (let j = 0; j < columns; j++)
        (result[i * columns + j] as number) += factor * (a.values[k * columns + j] as number);
    }
  return result;
}

const modelOf = (run: string) => JSON.parse(readFileSync(join(run, 'spec.json'), 'utf8')).model as string;

describe.skipIf(noEngine)('export', () => {
  const root = temporaryFolder();
  const last = 'step-00000006';

  it('an adapter is a PEFT folder: configuration, names, the trained values in fp32', async () => {
    const run = tinyRun(root, {
      method: { type: 'lora', rank: 4, alpha: 12, target_modules: ['q_proj', 'down_proj'] },
    });
    await trainToEnd(run);
    const out = join(root, 'adapter');
    const progress = rank('export', '--run', run, '--checkpoint', last, '--kind', 'adapter', '--out', out);
    const lines = progress
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).progress as number);
    expect(lines.at(-1)).toBe(1);
    expect([...lines].sort((x, y) => x - y)).toEqual(lines);
    expect(JSON.parse(readFileSync(join(out, 'adapter_config.json'), 'utf8'))).toMatchObject({
      peft_type: 'LORA',
      task_type: 'CAUSAL_LM',
      r: 4,
      lora_alpha: 12,
      target_modules: ['q_proj', 'down_proj'],
      base_model_name_or_path: modelOf(run),
      bias: 'none',
    });
    const trained = readTensors(join(run, 'checkpoints', last, 'adapter.safetensors'));
    const written = readTensors(join(out, 'adapter_model.safetensors'));
    expect(Object.keys(written).length).toBe(8); // 2 layers, 2 modules, A and B
    expect(Object.keys(written).sort()).toEqual(
      Object.keys(trained)
        .map((name) => `base_model.model.${name}`)
        .sort(),
    );
    for (const [name, tensor] of Object.entries(trained))
      expect(written[`base_model.model.${name}`]).toEqual(tensor);
    const moved = trained['model.layers.0.self_attn.q_proj.lora_B.weight'] as Tensor;
    expect(moved.shape).toEqual([64, 4]);
    expect(moved.values.some((value) => value !== 0)).toBe(true);
  });

  it('a merged folder holds W + alpha / r B A where there is an adapter, and the base elsewhere', async () => {
    const run = tinyRun(root, {
      method: { type: 'lora', rank: 4, alpha: 12, target_modules: ['k_proj', 'up_proj'] },
    });
    await trainToEnd(run);
    const out = join(root, 'merged');
    rank('export', '--run', run, '--checkpoint', last, '--kind', 'merged', '--out', out);
    const base = readTensors(join(modelOf(run), 'model.safetensors'));
    const adapter = readTensors(join(run, 'checkpoints', last, 'adapter.safetensors'));
    const written = readTensors(join(out, 'model.safetensors'));
    expect(Object.keys(written).sort()).toEqual(Object.keys(base).sort());
    let changed = 0;
    for (const [name, tensor] of Object.entries(written)) {
      const own = base[name] as Tensor;
      expect(tensor.dtype).toBe(own.dtype);
      const a = adapter[name.replace(/weight$/, 'lora_A.weight')];
      const b = adapter[name.replace(/weight$/, 'lora_B.weight')];
      if (!a || !b) {
        expect(tensor.values).toEqual(own.values);
        continue;
      }
      changed++;
      const expected = merged(own, a, b, 12 / 4);
      let difference = 0;
      for (const [i, value] of expected.entries())
        difference = Math.max(difference, Math.abs(value - (tensor.values[i] as number)));
      expect(difference).toBeLessThan(1e-6);
      expect(tensor.values).not.toEqual(own.values);
    }
    expect(changed).toBe(4);
    expect(JSON.parse(readFileSync(join(out, 'config.json'), 'utf8'))).toMatchObject({
      architectures: ['LlamaForCausalLM'],
      torch_dtype: 'float32',
    });
  });

  it('a full run exports its trained weights, and has no adapter', async () => {
    const run = tinyRun(root, { method: { type: 'full' } });
    await trainToEnd(run);
    const out = join(root, 'full');
    rank('export', '--run', run, '--checkpoint', last, '--kind', 'merged', '--out', out);
    expect(readTensors(join(out, 'model.safetensors'))).toEqual(
      readTensors(join(run, 'checkpoints', last, 'model.safetensors')),
    );
    const args = [
      'export',
      '--run',
      run,
      '--checkpoint',
      last,
      '--kind',
      'adapter',
      '--out',
      join(root, 'none'),
    ];
    const refused = spawnSync(rankExecutable(), args, { encoding: 'utf8' });
    expect(refused.status).toBe(1);
    expect(errorOf(refused.stderr).code).toBe('request.invalid');
  });

  it('a merged BitFit model imports again, answers as the tuned one, and trains', async () => {
    const base = makeTinyModel(join(root, 'unbiased'), { dtype: 'F32', tied: true });
    const spec = { method: { type: 'bitfit' }, optimizer: { type: 'adamw', learning_rate: 0.05 } } as const;
    const run = tinyRun(root, spec, [], base);
    await trainToEnd(run);
    const out = join(root, 'biases');
    rank('export', '--run', run, '--checkpoint', last, '--kind', 'merged', '--out', out);
    // What the host puts beside the weights.
    for (const name of ['tokenizer.json', 'tokenizer_config.json'])
      copyFileSync(join(base, name), join(out, name));
    const library = new ModelLibrary(join(root, 'library'));
    const work = { signal: new AbortController().signal, progress: () => {} };
    const card = await library.import(out, 'Biased', work);
    const ids = join(root, 'prompts.json');
    writeFileSync(ids, '[[5, 6, 7, 8], [9, 10, 11]]');
    const logits = (...model: string[]) => {
      const file = join(root, 'logits.bin');
      rank('logits', '--model', ...model, '--ids', ids, '--out', file, '--precision', 'fp32');
      return new Float32Array(Uint8Array.from(readFileSync(file)).buffer);
    };
    const tuned = logits(base, '--run', run, '--checkpoint', last);
    const [imported, before] = [logits(card.path), logits(base)];
    const apart = (a: Float32Array, b: Float32Array) =>
      a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] as number))), 0);
    expect(apart(imported, tuned)).toBeLessThan(1e-4);
    expect(apart(before, tuned)).toBeGreaterThan(0.01);
    const answers = (...model: string[]) =>
      JSON.parse(rank('generate', '--model', ...model, '--ids', ids, '--max-new-tokens', '8')).answers;
    expect(answers(card.path)).toEqual(answers(base, '--run', run, '--checkpoint', last));
    await trainToEnd(tinyRun(root, spec, [], card.path));
  });

  it('never writes over anything, and names the checkpoints there are', async () => {
    const run = tinyRun(root);
    await trainToEnd(run);
    const out = join(root, 'taken');
    mkdirSync(out);
    writeFileSync(join(out, 'mine.txt'), 'mine');
    const code = (checkpoint: string) => {
      const args = ['export', '--run', run, '--checkpoint', checkpoint, '--kind', 'merged', '--out', out];
      return errorOf(spawnSync(rankExecutable(), args, { encoding: 'utf8' }).stderr);
    };
    expect(code(last).code).toBe('path.exists');
    expect(code('step-00000001')).toMatchObject({ code: 'checkpoint.not_found', hint: `It has ${last}.` });
    expect(readFileSync(join(out, 'mine.txt'), 'utf8')).toBe('mine');
  });
});
