/** The addon as TypeScript sees it: types of results, errors with code, long work off the main thread. */
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import {
  addonPath,
  type GpuReading,
  type NativeAddon,
  native,
  nativeAddon,
} from '../../electron/server/native/addon.ts';
import { deviceSchema, telemetrySchema } from '../../electron/shared/api/entities.ts';
import { CollieError } from '../../electron/shared/errors.ts';
import { runSpecSchema } from '../../electron/shared/spec/run-spec.ts';
import { RunGpus } from '../../electron/supervisor/monitors/gpus.ts';
import { describeWithAddon } from './addon-built.ts';

const fixture = (name: string) => join(import.meta.dirname, '../fixtures/gguf', name);
const call = <T>(work: (addon: NativeAddon) => T) => native(work);

function codeOf(work: () => unknown): string | null {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof CollieError) return thrown.code;
    throw thrown;
  }
  return null;
}

describeWithAddon('native addon', () => {
  let folder = '';
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'collie-addon-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('has the version of the package', () => {
    const { version } = JSON.parse(readFileSync(join(import.meta.dirname, '../../package.json'), 'utf8'));
    expect(call((addon) => addon.version())).toBe(version);
  });

  it('lists the processor first, as the schema says', () => {
    const devices = call((addon) => addon.devices()).map((device) => deviceSchema.strict().parse(device));
    expect(devices[0]).toMatchObject({ kind: 'cpu', index: 0 });
    expect(devices[0]?.units).toBeGreaterThan(0);
    expect(devices[0]?.memoryTotalBytes).toBeGreaterThan(1 << 28);
  });

  it('reads telemetry', () => {
    const reading = telemetrySchema.strict().parse(call((addon) => addon.telemetry(folder)));
    expect(reading.cpuUtil).toBeGreaterThanOrEqual(0);
    expect(reading.cpuUtil).toBeLessThanOrEqual(1);
    expect(reading.memoryUsedBytes).toBeGreaterThan(0);
    expect(reading.memoryUsedBytes).toBeLessThan(reading.memoryTotalBytes);
    expect(reading.diskFreeBytes).toBeGreaterThan(0);
    expect(Math.abs(reading.timeUs / 1000 - Date.now())).toBeLessThan(60_000);
    expect(call((addon) => addon.telemetry('/no/such/folder')).diskFreeBytes).toBe(0);
  });

  it('inspects a GGUF file', () => {
    const info = call((addon) => addon.ggufInfo(fixture('tiny-llama.gguf')));
    expect(info.architecture).toBe('llama');
    expect(info.metadata['llama.context_length']).toBe(128);
    expect(info.metadata['llama.attention.layer_norm_rms_epsilon']).toBe(1e-5);
    expect(info.metadata['tokenizer.ggml.add_bos_token']).toBe(false);
    expect(info.metadata['tokenizer.ggml.tokens']).toContain('<|im_end|>');
    expect(info.tensors[0]).toMatchObject({ name: 'token_embd.weight', type: 'Q8_0' });
    expect(info.tensors[0]?.shape[1]).toBe(32);
  });

  it('converts on another thread, with progress', async () => {
    const out = join(folder, 'converted');
    mkdirSync(out);
    const fractions: number[] = [];
    let turns = 0;
    const timer = setInterval(() => turns++, 0);
    await call((addon) =>
      addon.ggufConvert(fixture('tiny-llama.gguf'), out, (fraction) => fractions.push(fraction) > 0),
    );
    clearInterval(timer);
    expect(fractions.at(-1)).toBe(1);
    expect(fractions).toEqual([...fractions].sort((a, b) => a - b));
    expect(readdirSync(out).sort()).toEqual(['config.json', 'model.safetensors']);
    expect(await call((addon) => addon.modelSummary(out))).toMatchObject({
      family: 'llama',
      dtype: 'BF16',
      layers: 2,
      heads: 4,
      kvHeads: 2,
      tiedEmbeddings: true,
      contextLength: 128,
    });
  });

  it('ends a conversion whose callback says no, or throws', async () => {
    const out = join(folder, 'cancelled');
    mkdirSync(out);
    const convert = (onProgress: (fraction: number) => boolean) =>
      call((addon) => addon.ggufConvert(fixture('tiny-llama.gguf'), out, onProgress));
    await expect(
      convert(() => {
        throw new RangeError('mine');
      }),
    ).rejects.toThrow(RangeError);
    await expect(
      call((addon) => addon.ggufConvert(join(folder, 'none.gguf'), out, () => true)),
    ).rejects.toMatchObject({
      code: 'file.not_found',
    });
    await expect(
      call((addon) => addon.ggufConvert(fixture('tiny-llama.gguf'), join(folder, 'none'), () => true)),
    ).rejects.toMatchObject({ code: 'file.unreadable' });
  });

  it('throws coded errors with data', async () => {
    await expect(call((addon) => addon.modelSummary(folder))).rejects.toMatchObject({
      code: 'model.not_found',
    });
    writeFileSync(join(folder, 'not.gguf'), 'GGUX'.repeat(20));
    expect(codeOf(() => call((addon) => addon.ggufInfo(join(folder, 'not.gguf'))))).toBe('gguf.not_gguf');
    try {
      call((addon) => addon.ggufInfo('/no/such.gguf'));
      expect.unreachable();
    } catch (thrown) {
      expect(thrown).toMatchObject({ code: 'file.not_found', data: { path: '/no/such.gguf' } });
      expect((thrown as CollieError).hint).not.toBe('');
    }
  });

  it('refuses arguments of another type', () => {
    const addon = nativeAddon() as unknown as Record<string, (...values: unknown[]) => unknown>;
    expect(() => addon.ggufInfo?.(1)).toThrow(TypeError);
    expect(() => addon.ggufConvert?.('a', 'b')).toThrow(TypeError);
    expect(() => addon.planEpochSequences?.([1, 2], {}, 1, 0)).toThrow(TypeError);
    expect(() => addon.planEpochSequences?.(new Uint32Array(1), { microBatchSize: 1.5 }, 1, 0)).toThrow(
      TypeError,
    );
    expect(() => addon.tokenStoreWriter?.(folder)).toThrow(TypeError);
  });

  it('plans an epoch', () => {
    const shape = { seqLen: 10, packing: false };
    const lengths = Uint32Array.from([4, 6, 1, 10, 5, 5]);
    expect(call((addon) => addon.planEpochSequences(lengths, shape, 42, 0))).toBe(5);
    const packed = call((addon) => addon.planEpochSequences(lengths, { ...shape, packing: true }, 42, 0));
    expect([3, 4]).toContain(packed);
    expect(
      codeOf(() => call((addon) => addon.planEpochSequences(lengths, { ...shape, seqLen: 9 }, 42, 0))),
    ).toBe('dataset.bad_row');
  });

  it('writes a token store', () => {
    const data = join(folder, 'data');
    mkdirSync(data);
    const writer = call((addon) => addon.tokenStoreWriter(data, 'train'));
    writer.append(Uint32Array.from([7, 8, 9]), Uint8Array.from([0, 1, 1]));
    writer.append(Uint32Array.from([1]), Uint8Array.from([0]));
    expect(() => writer.append(Uint32Array.from([1]), new Uint8Array(2))).toThrow(TypeError);
    writer.finish();
    expect(readdirSync(data).sort()).toEqual([
      'train.checksums.json',
      'train.ids.u32',
      'train.mask.u8',
      'train.offsets.u64',
    ]);
    expect([...new Uint32Array(new Uint8Array(readFileSync(join(data, 'train.ids.u32'))).buffer)]).toEqual([
      7, 8, 9, 1,
    ]);
    expect([
      ...new BigUint64Array(new Uint8Array(readFileSync(join(data, 'train.offsets.u64'))).buffer),
    ]).toEqual([0n, 3n, 4n]);
    expect(() => writer.finish()).toThrow();
    expect(codeOf(() => call((addon) => addon.tokenStoreWriter(join(folder, 'none'), 'train')))).toBe(
      'file.unreadable',
    );
  });

  it('forecasts memory', async () => {
    const out = join(folder, 'converted');
    const config = readFileSync(join(out, 'config.json'), 'utf8');
    const spec = runSpecSchema.parse({
      model: out,
      dataset: { train: 'x', mapping: { kind: 'prompt_answer', prompt: 'a', answer: 'b' } },
      method: { type: 'lora' },
      optimizer: { type: 'adamw' },
    });
    const forecast = call((addon) => addon.planMemory(config, JSON.stringify(spec)));
    expect(Object.keys(forecast).sort()).toEqual(
      [
        'activationsBytes',
        'adapterBytes',
        'gradientsBytes',
        'optimizerBytes',
        'totalBytes',
        'totalParams',
        'trainableParams',
        'weightsBytes',
      ].sort(),
    );
    expect(forecast.totalParams).toBe((await call((addon) => addon.modelSummary(out))).parameters);
    expect(forecast.trainableParams).toBeGreaterThan(0);
    expect(forecast.trainableParams * 8).toBe(forecast.optimizerBytes);
    const { weightsBytes, gradientsBytes, optimizerBytes, activationsBytes } = forecast;
    expect(forecast.totalBytes).toBeGreaterThan(
      weightsBytes + gradientsBytes + optimizerBytes + activationsBytes,
    );
    expect(codeOf(() => call((addon) => addon.planMemory(config, '{}')))).toBe('spec.invalid');
    expect(codeOf(() => call((addon) => addon.planMemory('{', JSON.stringify(spec))))).toBe(
      'model.bad_config',
    );
  });

  it('forecasts a layout, one plan for every stage and tensor-parallel rank', () => {
    const out = join(folder, 'converted');
    const config = readFileSync(join(out, 'config.json'), 'utf8');
    const sizes = call((addon) => addon.tensorParallelSizes(config, 8));
    expect(sizes[0]).toBe(1);
    const plan = (parallel: object) => {
      const spec = runSpecSchema.parse({
        model: out,
        dataset: { train: 'x', mapping: { kind: 'prompt_answer', prompt: 'a', answer: 'b' } },
        method: { type: 'lora' },
        optimizer: { type: 'adamw' },
        parallel,
      });
      return call((addon) => addon.planLayout(config, JSON.stringify(spec), 1));
    };
    const [whole] = plan({});
    expect(whole).toMatchObject({ rank: 0, stage: 0, tpRank: 0 });
    const { layers = 0 } = whole ?? {};
    const stages = plan({ pp_size: 2, dp_size: 2 });
    expect(stages.map(({ rank, stage }) => [rank, stage])).toEqual([
      [0, 0],
      [2, 1],
    ]);
    expect(stages.reduce((sum, stage) => sum + stage.layers, 0)).toBe(layers);
    expect(codeOf(() => plan({ pp_size: layers + 1 }))).toBe('spec.invalid');
  });

  it('tells what the driver says of GPUs, over a library that stands in for it', () => {
    const standIn = join(addonPath(), '../../tests/nvml-fake');
    expect(existsSync(join(standIn, 'libnvidia-ml.so.1'))).toBe(true);
    const script = 'const { gpus } = require(process.argv[1]); console.log(JSON.stringify(gpus()));';
    const ask = (env: object): unknown =>
      JSON.parse(
        execFileSync(process.execPath, ['-e', script, addonPath()], {
          encoding: 'utf8',
          env: { ...process.env, LD_LIBRARY_PATH: standIn, ...env },
        }),
      );
    const told = ask({ FAKE_NVML_PID: '4242' }) as GpuReading[];
    expect(told).toEqual([
      {
        ...{ index: 0, uuid: 'GPU-1111', util: 0.87, memoryUsedBytes: 20 * 2 ** 30, temperatureC: 61 },
        ...{ powerW: 512.5, energyJ: 3500, pids: [1, 4242] },
      },
      {
        ...{ index: 1, uuid: 'GPU-2222', util: null, memoryUsedBytes: null, temperatureC: 40 },
        ...{ powerW: null, energyJ: null, pids: [] },
      },
    ]);
    expect(new RunGpus(() => told).of([4242]).map(({ index }) => index)).toEqual([0]);
    expect(ask({ FAKE_NVML_INIT: '9' })).toEqual([]);
  });
});
