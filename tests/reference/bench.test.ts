/** The benchmark command, as small as it gets: both sides run, and they do the same work. */
import { execFileSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { type BenchReport, firstLossGap } from '../../electron/cli/bench/report.ts';
import { referencePython } from '../support/python.ts';

const { python, skip } = await referencePython();
const root = resolve(import.meta.dirname, '../..');

function bench(...args: string[]): BenchReport {
  const cli = ['--import', 'tsx', join(root, 'electron/cli/main.ts'), '--json', 'bench', 'cpu'];
  const size = '--layers 1 --batch 2 --seq 24 --steps 2 --rounds 1 --threads 1'.split(' ');
  const all = [...cli, ...size, '--python', python ?? '', ...args];
  return JSON.parse(execFileSync(process.execPath, all, { cwd: root, encoding: 'utf8' }));
}

describe.skipIf(skip)('collie bench cpu', () => {
  it('trains the same model on the same rows on both sides', () => {
    const report = bench('--precision', 'fp32', '--method', 'lora,full', '--data', 'unpadded,ragged');
    expect(report.cells).toHaveLength(4);
    for (const cell of report.cells) {
      expect(cell.rounds[0]?.gemmShare).toBeGreaterThan(0);
      expect(cell.rounds[0]?.gemmShare).toBeLessThan(1.5);
      const { collie, hf } = cell.rounds[0]?.results ?? {};
      expect(collie?.tokensPerSecond).toBeGreaterThan(0);
      expect(hf?.tokensPerSecond).toBeGreaterThan(0);
      expect(collie?.losses).toHaveLength(3);
      // Random weights: the first loss is near ln(vocabulary).
      expect(collie?.losses[0]).toBeCloseTo(Math.log(49152), 0);
      if (cell.cell.data === 'unpadded') expect(firstLossGap(cell)).toBeLessThan(1e-3);
      // Nothing is random in full fine-tuning: the next steps agree as well.
      if (cell.cell.data === 'unpadded' && cell.cell.method === 'full')
        for (const [i, loss] of (collie?.losses ?? []).entries())
          expect(Math.abs(loss - (hf?.losses[i] ?? 0))).toBeLessThan(2e-3);
    }
  });
});
