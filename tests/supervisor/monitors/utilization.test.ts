import { expect, test } from 'vitest';
import { gpuPeak } from '../../../electron/server/machine/gpu-peaks.ts';
import { Utilization } from '../../../electron/supervisor/monitors/utilization.ts';

test('the share of each peak that is known', () => {
  const both = new Utilization(6e9, { dataSheet: 1e15, gemm: 8e14 });
  expect(both.of(100_000, 2)).toEqual({ mfu: 0.3, gemm_share: 0.375 });
  expect(new Utilization(6e9, { dataSheet: null, gemm: 1e15 }).of(100_000, 2)).toEqual({ gemm_share: 0.3 });
  expect(new Utilization(6e9, { dataSheet: null, gemm: null }).of(100_000, 2)).toEqual({});
  expect(new Utilization(null, { dataSheet: 1e15, gemm: 1e15 }).of(100_000, 2)).toEqual({});
  expect(both.of(0, 0)).toEqual({});
});

test.each([
  ['NVIDIA H200', 989.4e12],
  ['NVIDIA H200 NVL', 835.5e12],
  ['NVIDIA H100 80GB HBM3', 989.4e12],
  ['NVIDIA H100 PCIe', 756e12],
  ['NVIDIA A100-SXM4-80GB', 312e12],
  ['NVIDIA L4', 121e12],
  ['NVIDIA L40S', 362e12],
  ['NVIDIA GeForce RTX 4090', 165.2e12],
  ['NVIDIA GeForce RTX 4090 D', null],
  ['NVIDIA GeForce RTX 4090 Laptop GPU', null],
  ['NVIDIA H100 80GB HBM3 MIG 1g.10gb', null],
  ['NVIDIA L40', null],
  ['Quadro K600', null],
])('the data sheet of %s', (name, bf16) => {
  expect(gpuPeak(name, 'bf16')).toBe(bf16);
});
