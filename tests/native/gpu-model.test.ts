/** native/gpu/model.py: the arithmetic against cases worked out by hand, and the logs of check.sh that it reads. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test, vi } from 'vitest';

// Programs start, which takes its time on a busy machine.
vi.setConfig({ testTimeout: 120_000 });

const script = resolve(import.meta.dirname, '../../native/gpu/model.py');
const folder = mkdtempSync(join(tmpdir(), 'collie-gpu-model-'));
afterAll(() => rmSync(folder, { recursive: true }));

function model(...args: string[]): string {
  const { status, stdout, stderr } = spawnSync('python3', [script, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}
function file(name: string, lines: string[]): string {
  writeFileSync(join(folder, name), `${lines.join('\n')}\n`);
  return join(folder, name);
}

test('the products of the layers are 4 x parameters x tokens with LoRA, 6 with full fine-tuning', () => {
  const text = model();
  const products = [...text.matchAll(/([\d.]+) ms +[\d.]+ % {2}products of the layers/g)].map(([, ms]) =>
    Number(ms),
  );
  // Llama 3.1 8B has 218.1 M parameters in the linears of a layer, Llama 3.2 1B 60.8 M.
  const parameters = (hidden: number, inner: number, kv: number) =>
    hidden * (2 * hidden + 2 * kv) + 3 * hidden * inner;
  const big = (4 * 32 * parameters(4096, 14336, 1024) * 8192) / 680e12;
  const small = (6 * 16 * parameters(2048, 8192, 512) * 8192) / 620e12;
  expect(products).toEqual([small, big, big].map((seconds) => Number((1e3 * seconds).toFixed(1))));
});

test('a card that multiplies half as fast doubles that, and what was reached stands beside the prediction', () => {
  const gemm_tflops = { '8192x4096x6144': 340, '130x4096x128256': 20, '8192x4096x16': 1 };
  const measured = {
    device: 'cuda',
    copy_tb_s: 3,
    gemm_tflops,
    attention_tflops: { FLASH_ATTENTION: [345, 290] },
  };
  const ceilings = file('ceilings.log', ['copy 3 TB/s', JSON.stringify(measured), 'summary: copy 3 TB/s']);
  const bench = file('bench.log', [
    '$ /x/collie-rank bench --device cuda --precision bf16 --model-shape 8b --method lora --batch 2 --seq 4096 --steps 4',
    'step 1: 0.655 s, 12500.0 tokens/s, loss 11.7, peak 60.00 GB',
    '8b lora bf16 on cuda: 6000.0 tokens/s, peak 60.00 GB',
    '$ /x/collie-rank bench --device cuda --model /somewhere/tiny --method full --tokens 3,4',
    'tiny full bf16 on cuda: 10.0 tokens/s, peak 1.00 GB',
  ]);
  const text = model('--ceilings', ceilings, '--measured', bench);
  expect(text).toContain('Ceilings: as measured');
  expect(text).toMatch(/672\.\d ms +[\d.]+ % {2}products of the layers/);
  expect(text).toMatch(/8b lora r16, 2 x 4096: .* measured 6000 tokens\/s, 0\.\d\d of that/);
  expect(text).toContain('tiny full bf16 on cuda: 10.0 tokens/s; no prediction');
});

test('ceilings of a CPU, or none, leave the published ones', () => {
  expect(model('--ceilings', join(folder, 'nothing.log'))).toContain('published ones of an H100');
  const cpu = file('cpu.log', [
    JSON.stringify({ device: 'cpu', copy_tb_s: 1, gemm_tflops: {}, attention_tflops: {} }),
  ]);
  expect(model('--ceilings', cpu)).toContain('published ones of an H100');
});
