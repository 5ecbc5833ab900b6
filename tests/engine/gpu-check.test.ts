/** native/gpu/check.sh as it runs on a machine with a GPU, with the CPU build in the device's place: every part that needs no GPU tool. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { rankExecutable } from '../../electron/server/native/addon.ts';
import { makeGpuRun } from '../support/gpu-run.ts';
import { noEngine } from './support.ts';

const root = resolve(import.meta.dirname, '../..');
const deviceTests = join(dirname(rankExecutable()), '../tests/collie-gpu-tests');
const folder = mkdtempSync(join(tmpdir(), 'collie-gpu-'));
afterAll(() => rmSync(folder, { recursive: true }));

describe.skipIf(noEngine)('the check of the CUDA engine', () => {
  it('passes with a CPU build, part by part', () => {
    mkdirSync(join(folder, 'gpu/bin'), { recursive: true });
    symlinkSync(rankExecutable(), join(folder, 'gpu/bin/collie-rank'));
    makeGpuRun(join(folder, 'gpu/run'));
    const parts = ['run', 'bench', 'profile'];
    if (existsSync(deviceTests)) {
      symlinkSync(deviceTests, join(folder, 'gpu/bin/collie-gpu-tests'));
      parts.push('tests');
    }
    const limits = ['ENV', 'TESTS', 'RUN', 'BENCH', 'PROFILE'].map((part) => [`COLLIE_LIMIT_${part}`, '500']);
    const { status, stdout, stderr } = spawnSync(join(root, 'native/gpu/check.sh'), parts, {
      encoding: 'utf8',
      env: {
        ...process.env,
        ...Object.fromEntries(limits),
        COLLIE_TEST_DEVICE: 'cpu',
        COLLIE_GPU_DIR: join(folder, 'gpu'),
        COLLIE_TORCH_DIR: process.env.COLLIE_TORCH_DIR ?? join(root, 'native/.deps/torch'),
        OUT: join(folder, 'out'),
      },
    });
    expect({ status, table: stdout, stderr }).toMatchObject({ status: 0 });
    expect(stdout).toMatch(
      /^run +ok .* from the CPU's by 0\.0e\+00, 4 resumed steps the same bits, adapter of \d+ bytes/m,
    );
    expect(stdout).toMatch(/^tiny-full +ok .* tokens\/s, peak/m);
    expect(stdout).toMatch(/^profile +ok .* operators of the CPU/m);
    if (parts.includes('tests')) expect(stdout).toMatch(/^tests +ok .* 0 failed/m);
    // Where the time of a step goes, by operator.
    expect(readFileSync(join(folder, 'out/profile.log'), 'utf8')).toMatch(/ms +[\d.]+ % +\d+ {2}aten::/);
  });
});
