/** The memory study: which cases it runs, and how its rows read. */
import { describe, expect, it } from 'vitest';
import {
  type MemoryResult,
  memoryCases,
  memoryHeading,
  memoryMarkdown,
  memoryRow,
} from '../../electron/cli/bench/memory.ts';
import { specFields } from '../../electron/shared/spec/spec-fields.ts';

const optionsOf = (path: string) =>
  (specFields().find((field) => field.path === path)?.options ?? []).map(({ value }) => value);

const result: MemoryResult = {
  method: 'lora',
  optimizer: 'adamw',
  quantization: 'nf4',
  trainableParams: 4_884_480,
  measuredPeak: 550e6,
  forecastTotal: 500e6,
  weights: 120e6,
  gradients: 20e6,
  optimizerState: 39e6,
  activations: 100e6,
  tokensPerSecond: 171.6,
};

describe('the memory study', () => {
  it('has every optimizer and every method of the schema once', () => {
    const cases = memoryCases(null, null);
    expect(cases.filter(({ method }) => method === 'full').map(({ optimizer }) => optimizer)).toEqual(
      optionsOf('optimizer.type'),
    );
    const methods = cases.filter((one) => one.method !== 'full' && one.quantization === 'none');
    expect(methods.map(({ method }) => method)).toEqual(optionsOf('method.type').filter((m) => m !== 'full'));
    expect(cases.filter(({ quantization }) => quantization === 'nf4')).toHaveLength(1);
  });

  it('refuses a name it does not know, and says which there are', () => {
    expect(() => memoryCases(['adam'], null)).toThrow(/`adam` is none of adamw,/);
  });

  it('shows sizes in MB and the ratio of measured to forecast', () => {
    expect(memoryRow(result)).toEqual([
      'lora, nf4 base',
      'adamw',
      '4.9 M',
      '120',
      '20',
      '39',
      '100',
      '500',
      '550',
      '1.10',
      '172',
    ]);
    expect(memoryRow(result)).toHaveLength(memoryHeading.length);
    const shape = {
      model: '',
      shape: 'smollm2-135m',
      precision: 'bf16',
      batch: 1,
      seq: 256,
      threads: 2,
    } as const;
    expect(memoryMarkdown([result], shape)).toContain('| lora, nf4 base | adamw |');
  });
});
