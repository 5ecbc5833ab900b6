import { expect, test } from 'vitest';
import { covers, diagnose, type Facts, isUsable } from '../../../electron/server/doctor/diagnose.ts';
import { parseGpus } from '../../../electron/server/doctor/gpus.ts';
import { engineInfoSchema } from '../../../electron/server/rank/engine-info.ts';

const info = (more: object = {}) => ({
  info: engineInfoSchema.parse({ version: '0.1.0', torch: '2.13.0', mpi: true, ...more }),
  problem: null,
});
const absent = { info: null, problem: 'The training engine for CUDA is missing: /x' } as const;
const [h100] = parseGpus('0, NVIDIA H100 80GB HBM3, 580.159.04, 9.0, 81559, 81000\n');
if (!h100) throw new Error('no card');

const facts = (more: Partial<Facts> = {}): Facts => ({
  node: 'v22.3.0',
  addonProblem: null,
  cpuEngine: info(),
  cudaEngine: absent,
  gpus: { cards: [], problem: null },
  mpirun: '/usr/bin/mpirun',
  home: '/home/me/.collie',
  homeProblem: null,
  diskFreeBytes: 100e9,
  memoryTotalBytes: 32e9,
  memoryFreeBytes: 16e9,
  gemm: { device: 'cpu', flopsPerSecond: 142e9 },
  ...more,
});

/** What is not well: id -> [state, found]. */
const faults = (more: Partial<Facts>) =>
  Object.fromEntries(
    diagnose(facts(more))
      .filter(({ state }) => state !== 'ok')
      .map(({ id, state, found, next }) => {
        expect(next).not.toBe('');
        return [id, [state, found]];
      }),
  );

test('a machine without a GPU lacks nothing', () => {
  expect(faults({})).toEqual({});
  expect(isUsable(diagnose(facts()))).toBe(true);
});

test('what every run needs is missing; the rest is advice', () => {
  const cases: [Partial<Facts>, string, string][] = [
    [{ node: 'v20.18.1' }, 'node', 'missing'],
    [{ addonProblem: 'The native addon is missing' }, 'addon', 'missing'],
    [{ cpuEngine: absent }, 'engine.cpu', 'missing'],
    [{ homeProblem: 'EACCES' }, 'home', 'missing'],
    [{ diskFreeBytes: 1e9 }, 'disk', 'missing'],
    [{ diskFreeBytes: 5e9 }, 'disk', 'advice'],
    [{ memoryTotalBytes: 2e9 }, 'memory', 'advice'],
    [{ mpirun: null }, 'mpi', 'advice'],
    [{ gemm: { device: 'cpu', flopsPerSecond: null } }, 'gemm', 'advice'],
    [{ cpuEngine: info({ mpi: false }) }, 'mpi', 'advice'],
    [{ gpus: { cards: [], problem: 'no driver: there is no nvidia-smi' } }, 'driver', 'advice'],
  ];
  for (const [more, id, state] of cases) {
    expect(faults(more)).toMatchObject({ [id]: [state, expect.any(String)] });
    expect(isUsable(diagnose(facts(more)))).toBe(state === 'advice');
  }
});

test('a GPU without an engine for it, with an old driver, or with code for another card', () => {
  const gpus = { cards: [h100], problem: null };
  expect(faults({ gpus })).toEqual({ 'engine.cuda': ['advice', absent.problem] });
  expect(faults({ gpus, cudaEngine: info({ cuda_devices: 0 }) })).toMatchObject({
    'engine.cuda': ['advice', 'built, but CUDA finds no usable device'],
  });
  const built = (cuda_architectures: string[]) => info({ cuda_devices: 1, cuda_architectures });
  expect(faults({ gpus, cudaEngine: built(['80-real', '90-real']) })).toEqual({});
  expect(faults({ gpus, cudaEngine: built(['80-real', '120']) })).toEqual({
    'engine.cuda.coverage': ['advice', 'built for 80-real, 120, not for GPU 0 (9.0)'],
  });
  const [found] = diagnose(facts({ gpus })).filter(({ id }) => id === 'gpu.0');
  expect(found?.found).toBe('NVIDIA H100 80GB HBM3, compute capability 9.0, 85 GB of 86 GB free');
});

test('several GPUs need NCCL', () => {
  const gpus = { cards: [h100, { ...h100, index: 1 }], problem: null };
  const cudaEngine = info({ cuda_devices: 2, nccl: false });
  expect(faults({ gpus, cudaEngine })).toEqual({ nccl: ['advice', expect.stringContaining('one GPU only')] });
  expect(faults({ gpus, cudaEngine: info({ cuda_devices: 2, nccl: true }) })).toEqual({});
});

test('machine code runs on later minors of its major version, PTX on everything later', () => {
  expect(covers(['80-real'], '8.6')).toBe(true);
  expect(covers(['86-real'], '8.0')).toBe(false);
  expect(covers(['90-real'], '10.0')).toBe(false);
  expect(covers(['90'], '10.0')).toBe(true);
  expect(covers(['120'], '9.0')).toBe(false);
});
