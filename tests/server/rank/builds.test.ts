/** Which build of the engine a run gets, and what is said when it is not there or does not work. */
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { cudaReadiness } from '../../../electron/server/rank/engine-info.ts';
import { requireRank } from '../../../electron/server/rank/rank.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-builds-'));
  for (const build of ['CUDA_BUILD_DIR', 'BUILD_DIR'])
    vi.stubEnv(`COLLIE_${build}`, join(folder, build === 'BUILD_DIR' ? 'cpu' : 'cuda'));
  vi.stubEnv('COLLIE_RANK', undefined);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

function build(name: 'cpu' | 'cuda', script: string): string {
  const program = join(folder, name, 'rank/collie-rank');
  mkdirSync(join(program, '..'), { recursive: true });
  writeFileSync(program, `#!/bin/sh\n${script}\n`);
  chmodSync(program, 0o755);
  return program;
}
const info = (devices: number) =>
  `echo '{"version": "0.1.0", "torch": "2.14.1", "cuda_devices": ${devices}}'`;

test('runs on the GPU get the build for CUDA, others the one for the CPU', () => {
  const [cpu, cuda] = [build('cpu', ''), build('cuda', '')];
  expect([requireRank(), requireRank('cpu'), requireRank('cuda')]).toEqual([cpu, cpu, cuda]);
  vi.stubEnv('COLLIE_CUDA_BUILD_DIR', undefined);
  expect(requireRank('cuda')).toBe(cpu); // one build of one's own for everything
  vi.stubEnv('COLLIE_RANK', cuda);
  expect(requireRank('cpu')).toBe(cuda);
});

test('a missing build for CUDA names its own command', () => {
  build('cpu', '');
  expect(() => requireRank('cuda')).toThrowError(
    expect.objectContaining({ code: 'engine.not_built', hint: expect.stringContaining('--only cuda') }),
  );
});

test('it is ready when it starts and finds a device; else the reason is said', async () => {
  build('cuda', info(1));
  expect(await cudaReadiness()).toEqual({ ready: true });
  build('cuda', info(0));
  expect(await cudaReadiness()).toMatchObject({
    ready: false,
    reason: expect.stringContaining('no usable device'),
  });
  build('cuda', 'echo "libcudart.so.13: cannot open shared object file" >&2; exit 127');
  expect(await cudaReadiness()).toMatchObject({
    ready: false,
    reason: expect.stringContaining('libcudart.so.13'),
  });
  rmSync(join(folder, 'cuda'), { recursive: true });
  expect(await cudaReadiness()).toMatchObject({
    ready: false,
    reason: expect.stringContaining('is missing'),
  });
});
