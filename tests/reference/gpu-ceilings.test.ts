/** native/gpu/ceilings.py with the reference environment's torch on the CPU: what it prints is what model.py and check.sh read. */
import { execFileSync } from 'node:child_process';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { referencePython } from '../support/python.ts';

const { python, skip } = await referencePython();
const script = resolve(import.meta.dirname, '../../native/gpu/ceilings.py');

describe.skipIf(skip)('ceilings.py', () => {
  it('measures a copy, products and attention, and ends with a line of JSON and a summary', () => {
    const lines = execFileSync(python ?? '', [script, '--device', 'cpu'], { encoding: 'utf8' })
      .trimEnd()
      .split('\n');
    expect(lines.at(-1)).toMatch(/^summary: copy [\d.e-]+ TB\/s; GEMM up to [\d.e-]+ TFLOP\/s; /);
    const found = JSON.parse(lines.at(-2) ?? '');
    expect(found).toMatchObject({ device: 'cpu', copy_tb_s: expect.any(Number) });
    expect(Object.values(found.gemm_tflops as object).every((rate) => rate > 0)).toBe(true);
    expect(Object.keys(found.gemm_tflops)).toHaveLength(2);
  });
});
