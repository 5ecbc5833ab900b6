/** The set-up on machines with an NVIDIA GPU, told by an nvidia-smi of our own: what is built, what is in the way, and the fall-back. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

// Programs start, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const setup = (name: string) => pathToFileURL(resolve(import.meta.dirname, '../../native/setup', name)).href;
const { architecturesOf, cudaForThisMachine, nvidiaCards, obstacle } = await import(setup('gpu.mjs'));

const path = process.env.PATH;
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-setup-'));
  process.env.PATH = `${folder}:${path}`;
});
afterEach(() => {
  process.env.PATH = path;
  rmSync(folder, { recursive: true });
});

function smi(script: string): void {
  writeFileSync(join(folder, 'nvidia-smi'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(folder, 'nvidia-smi'), 0o755);
}
const card = (name: string, capability: string, driver = '580.159.04') => ({ name, driver, capability });

test('cards are what nvidia-smi lists; a failing one is a problem, a missing one is none', () => {
  smi('echo "NVIDIA H100 80GB HBM3, 580.159.04, 9.0"; echo "NVIDIA A100, 580.159.04, 8.0"');
  expect(nvidiaCards()).toEqual({
    cards: [card('NVIDIA H100 80GB HBM3', '9.0'), card('NVIDIA A100', '8.0')],
    problem: null,
  });
  smi('echo "Driver/library version mismatch"; exit 18');
  expect(nvidiaCards()).toEqual({ cards: [], problem: 'nvidia-smi failed: Driver/library version mismatch' });
  process.env.PATH = folder;
  rmSync(join(folder, 'nvidia-smi'));
  expect(nvidiaCards()).toEqual({ cards: [], problem: null });
});

test('each thing in the way has a reason and a next step', () => {
  const of = (cards: object[], free = 1e12) => obstacle({ cards, problem: null }, free);
  expect(of([card('H100', '9.0')])).toBeNull();
  expect(of([card('T4', '7.5')])).toEqual({
    reason: 'T4 has compute capability 7.5; the kernels need 8.0 (bf16)',
    next: expect.any(String),
  });
  expect(of([card('T4', '7.5'), card('RTX 5090', '12.0')])).toBeNull();
  expect(of([card('H100', '9.0', '550.54')]).reason).toContain('550.54; CUDA 13 needs 580');
  expect(of([card('H100', '9.0')], 3e9).reason).toContain('3.0 GB are free');
});

test('it compiles for the cards that are there, each once, and leaves out what is not supported', () => {
  const cards = [card('a', '9.0'), card('b', '8.6'), card('c', '9.0'), card('d', '7.5'), card('e', '12.0')];
  expect(architecturesOf(cards)).toBe('120-real;86-real;90-real');
});

test('without a card there is nothing to do; with one, everything is optional', () => {
  smi('exec true');
  expect(cudaForThisMachine(folder, true)).toEqual([]);
  smi('echo "NVIDIA H100, 580.1, 9.0"');
  const titles = cudaForThisMachine(folder, true).map(({ title }: { title: string }) => title);
  expect(titles).toEqual([
    expect.stringContaining('compiler'),
    expect.stringContaining('for CUDA'),
    expect.stringContaining('NCCL'),
    'Native engine for CUDA',
    'CUDA device',
  ]);
});

test('a failure falls back to the CPU with the reason, ends well, and is not tried again at every start', () => {
  smi('echo "NVIDIA T4, 580.1, 7.5"');
  mkdirSync(join(folder, 'native'));
  const run = (retry: boolean) =>
    spawnSync(
      process.execPath,
      [
        '--input-type=module',
        '-e',
        `import { runSteps } from '${setup('console.mjs')}';
         import { cudaForThisMachine } from '${setup('gpu.mjs')}';
         const before = { title: 'Before', needed: () => true, run: async () => {} };
         await runSteps([before, ...cudaForThisMachine('${join(folder, 'native')}', ${retry})], true);`,
      ],
      { encoding: 'utf8' },
    );
  const first = run(true);
  expect(first.status).toBe(0);
  expect(first.stdout).toMatch(
    /\[2\/2\] Engine for CUDA \(NVIDIA T4\) not done\nRuns use the CPU: .*7\.5.*\nNext: .*setup\.mjs --only cuda/,
  );
  expect(JSON.parse(readFileSync(join(folder, 'native/build/cuda-failed.json'), 'utf8')).reason).toContain(
    '7.5',
  );
  smi('echo "NVIDIA H100, 580.1, 9.0"');
  expect(run(false).stdout).toContain('Runs use the CPU: NVIDIA T4 has');
  expect(cudaForThisMachine(join(folder, 'native'), true)).toHaveLength(5);
});
