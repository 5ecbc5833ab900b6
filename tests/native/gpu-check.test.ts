/** native/gpu/check.sh with programs and a torch that do as they are told: table, logs, exit codes, limits, what is missing. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

// Programs start, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const script = resolve(import.meta.dirname, '../../native/gpu/check.sh');
/** Not a version manager's shim, which takes half a second to find it. */
const python = spawnSync('python3', ['-c', 'import sys; print(sys.executable)'], {
  encoding: 'utf8',
}).stdout.trim();
let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'collie-gpu-check-'));
  program(
    'gpu/bin/collie-rank',
    `case "$1" in
       info) echo '{"torch": "2.11.0", "cpu_kernels": "avx2", "devices": []}' ;;
       bench) echo 'model lora bf16 on cpu: 120.5 tokens/s, peak 0.25 GB'
              for word; do [ "$last" != --profile ] || cp "${'$'}TRACE" "$word"; last=$word; done ;;
     esac`,
  );
  program('gpu/bin/collie-gpu-tests', 'echo "[doctest] test cases: 7 | 7 passed | 0 failed | 0 skipped"');
  program('tools/python3', `exec ${python} "$@"`);
  write('gpu/about', 'torch 2.11.0\narch sm_90\n');
  write('torch/lib/libtorch_cpu.so', '');
  write('torch/version.py', "__version__ = '2.11.0+cu130'\n");
  const operator = (name: string, ts: number, dur: number) => ({
    ph: 'X',
    cat: 'cpu_op',
    tid: 1,
    name,
    ts,
    dur,
  });
  write(
    'trace.json',
    JSON.stringify({ traceEvents: [operator('aten::addmm', 0, 40), operator('aten::mm', 10, 30)] }),
  );
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(path: string, text: string): string {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
  return join(folder, path);
}
const program = (path: string, text: string) => chmodSync(write(path, `#!/bin/bash\n${text}\n`), 0o755);

function check(parts: string[], env: Record<string, string> = {}) {
  const result = spawnSync(script, parts, {
    encoding: 'utf8',
    env: {
      ...process.env,
      COLLIE_TEST_DEVICE: 'cpu',
      COLLIE_GPU_DIR: join(folder, 'gpu'),
      COLLIE_TORCH_DIR: join(folder, 'torch'),
      OUT: join(folder, 'out'),
      ...Object.fromEntries(
        ['ENV', 'TESTS', 'SANITIZER', 'BENCH', 'PROFILE'].map((part) => [`COLLIE_LIMIT_${part}`, '100']),
      ),
      TRACE: join(folder, 'trace.json'),
      PATH: `${join(folder, 'tools')}:${process.env.PATH}`,
      ...env,
    },
  });
  const rows = result.stdout
    .trimEnd()
    .split('\n')
    .map((line) => /^(\S+) +(\S+) +\d+ s *(.*)$/.exec(line)?.slice(1) ?? [line]);
  return {
    ...result,
    rows: Object.fromEntries(rows.map(([name, ...rest]) => [name, rest])),
    names: rows.map(([name]) => name),
  };
}

test('the table comes last, with a row a part in the order in which they count, and few logs', () => {
  program('tools/compute-sanitizer', 'shift 6; "$@"; echo "========= ERROR SUMMARY: 0 errors"');
  const result = check(['profile', 'bench', 'sanitizer', 'tests']);
  const { status, rows, names, stdout } = result;
  expect(result.stderr).toBe('');
  expect(names).toEqual(['env', 'tests', 'sanitizer', 'tiny-full', 'tiny-lora', 'profile', 'all']);
  expect(status).toBe(0);
  expect(rows.env).toEqual(['ok', expect.stringContaining('avx2 kernels, no CUDA; torch 2.11.0')]);
  expect(rows.tests).toEqual(['ok', expect.stringContaining('7 passed')]);
  expect(rows.sanitizer).toEqual(['ok', 'ERROR SUMMARY: 0 errors']);
  expect(rows['tiny-lora']).toEqual(['ok', expect.stringContaining('120.5 tokens/s')]);
  // The inner operator's 30 are no time of the outer one.
  expect(rows.profile?.[1]).toContain(
    'total: 0.0 ms in 2 operators of the CPU, idle 0 % of 0.0 ms; matrix products 100 %',
  );
  expect(readFileSync(join(folder, 'out/table.txt'), 'utf8')).toBe(stdout);
  expect(readdirSync(join(folder, 'out')).length).toBeLessThanOrEqual(8);
  expect(readFileSync(join(folder, 'out/profile.log'), 'utf8')).toMatch(/0\.010 ms +25\.0 % +1 +aten::addmm/);
});

test('what hangs costs its own part, is named, and the rest still runs', () => {
  program('gpu/bin/collie-gpu-tests', 'echo "2.1 s: the case that ended"; sleep 60');
  const { status, rows } = check(['tests', 'bench'], { COLLIE_LIMIT_TESTS: '3' });
  expect(status).toBe(1);
  expect(rows.tests).toEqual([
    'FAILED',
    expect.stringMatching(/ended after its limit of 3 s; last line: .*the case that ended/),
  ]);
  expect(rows['tiny-full']).toEqual(['ok', expect.stringMatching(/120\.5 tokens\/s.*void: tests failed/)]);
  expect(rows.all?.[0]).toBe('FAILED');
});

test('a part that fails, or says nothing, fails the whole and shows its last line', () => {
  program('gpu/bin/collie-gpu-tests', 'echo "[doctest] test cases: 0 | 0 passed | 0 failed | 7 skipped"');
  expect(check(['tests'])).toMatchObject({
    status: 1,
    rows: { tests: ['FAILED', expect.stringContaining('without a line')] },
  });
  program(
    'gpu/bin/collie-rank',
    '[ "$1" = info ] || { echo "CUDA error: an illegal memory access"; exit 1; }; echo \'{"devices": [], "cpu_kernels": "", "torch": ""}\'',
  );
  const { status, rows } = check(['bench']);
  expect(status).toBe(1);
  expect(rows['tiny-full']).toEqual([
    'FAILED',
    expect.stringContaining('exit code 1: CUDA error: an illegal memory access'),
  ]);
});

test('benchmarks share the time of their part', () => {
  program(
    'gpu/bin/collie-rank',
    '[ "$1" = info ] || sleep 60; echo \'{"devices": [], "cpu_kernels": "", "torch": ""}\'',
  );
  const { rows } = check(['bench'], { COLLIE_LIMIT_BENCH: '1' });
  expect(rows['tiny-full']?.[1]).toContain('ended after its limit of 1 s');
  expect(rows['tiny-lora']?.[1]).toContain('not run: the others took the 1 s');
});

test('a sanitizer that is not there is a row, not a failure', () => {
  const { status, rows } = check(['sanitizer'], { PATH: `${join(folder, 'tools')}:/usr/bin:/bin` });
  expect(status).toBe(0);
  expect(rows.sanitizer?.[0]).toBe('skipped');
});

test('what is missing is named with the next step', () => {
  program('tools/ldd', 'echo "libcudart.so.13 => not found"; echo "libc.so.6 => /lib/libc.so.6"');
  const library = check(['tests']);
  expect(library.status).toBe(3);
  expect(library.stderr).toMatch(/need libraries that are not here: libcudart\.so\.13\nNext: /);

  write('torch/version.py', "__version__ = '2.12.0'\n");
  program('tools/ldd', '');
  const version = check(['tests']);
  expect(version.status).toBe(3);
  expect(version.stderr).toMatch(
    /built for torch 2\.11\.0, and .* is 2\.12\.0\nNext: COLLIE_GPU_TORCH=2\.12\.0/,
  );

  const torch = check(['tests'], { COLLIE_TORCH_DIR: join(folder, 'nowhere') });
  expect(torch.status).toBe(3);
  expect(torch.stderr).toContain('no lib/libtorch_cpu.so');

  const prebuilt = check(['tests'], { COLLIE_GPU_DIR: join(folder, 'nothing') });
  expect(prebuilt.status).toBe(3);
  expect(prebuilt.stderr).toMatch(/collie-rank is missing\nNext: run native\/gpu\/prebuild\.sh/);

  const argument = check(['speed']);
  expect(argument.status).toBe(2);
  expect(argument.stderr).toContain('no part "speed"');
});

test('torch is found in a virtual environment, and the card must be the one that was built for', () => {
  write('venv/lib/torch/__init__.py', '');
  write('venv/lib/torch/lib/libtorch_cuda.so', '');
  program('venv/bin/python3', `PYTHONPATH=${join(folder, 'venv/lib')} exec ${python} "$@"`);
  program('tools/nvidia-smi', 'echo 8.0');
  const env = { COLLIE_TEST_DEVICE: 'cuda', COLLIE_TORCH_DIR: '', VIRTUAL_ENV: join(folder, 'venv') };
  const { status, stderr } = check(['tests'], env);
  expect(status).toBe(3);
  expect(stderr).toContain('built for sm_90, and this card is sm_80\nNext: COLLIE_GPU_ARCH=sm_80');
  program('tools/nvidia-smi', 'echo 9.0');
  const { rows } = check(['tests'], env);
  expect(rows.env?.[1]).toContain(`at ${join(folder, 'venv/lib/torch')}`);
  expect(rows.tests?.[0]).toBe('ok');
});
