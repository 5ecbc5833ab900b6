/** The benchmark's arithmetic: ratios within a round, medians over rounds, and what people get to read. */
import { describe, expect, it } from 'vitest';
import { type ChildResult, summary } from '../../electron/cli/bench/child.ts';
import {
  type BenchReport,
  bestAgainstBest,
  type CellResult,
  firstLossGap,
  markdown,
  rows,
  spread,
  table,
} from '../../electron/cli/bench/report.ts';

const result = (tokensPerSecond: number, peakBytes: number | null, firstLoss = 10.8): ChildResult => ({
  stepSeconds: [1],
  losses: [firstLoss, 10],
  tokensPerSecond,
  peakBytes,
  info: {},
});

const cell: CellResult = {
  cell: { precision: 'bf16', method: 'lora', data: 'unpadded' },
  rounds: [
    { results: { collie: result(200, 1e9, 10.81), hf: result(100, 4e9), hf_jemalloc: result(160, 4e9) } },
    { results: { collie: result(100, 1e9), hf: result(25, 2e9), hf_jemalloc: result(50, 4e9) } },
    { results: { collie: result(300, 1.2e9), hf: result(100, 4e9), hf_jemalloc: result(150, 4e9) } },
  ],
};

describe('spread', () => {
  it('gives lowest, middle and highest', () => {
    expect(spread([3, 1, 2])).toEqual({ min: 1, median: 2, max: 3 });
    expect(spread([4, 1, 2, 3])).toEqual({ min: 1, median: 2.5, max: 4 });
    expect(spread([])).toBeNull();
  });
});

describe('the share of the GEMM floor', () => {
  it('is said under the table of those that have one', () => {
    const shared = {
      ...cell,
      rounds: cell.rounds.map((round, k) => ({ ...round, gemmShare: 0.6 + k / 10 })),
    };
    expect(table(shared)).toContain("Collie's share of its GEMM floor: 70% (60% to 80%)");
    expect(table(cell)).not.toContain('floor');
  });
});

describe('rows', () => {
  it('takes ratios within a round, not of medians', () => {
    const [, hf, jemalloc] = rows(cell);
    expect(hf?.speedRatio).toEqual({ min: 2, median: 3, max: 4 });
    expect(jemalloc?.speedRatio).toEqual({ min: 1.25, median: 2, max: 2 });
    expect(hf?.memoryRatio?.max).toBeCloseTo(0.5);
    expect(rows(cell)[0]?.speedRatio).toBeNull();
  });

  it('leaves out a contestant that is not on this machine', () => {
    const without = {
      ...cell,
      rounds: cell.rounds.map(({ results: { collie, hf } }) => ({ results: { collie, hf } })),
    };
    expect(rows(without as CellResult).map((row) => row.variant)).toEqual(['collie', 'hf']);
  });

  it('has no memory ratio where memory could not be read', () => {
    const blind = { ...cell, rounds: [{ results: { collie: result(1, null), hf: result(1, null) } }] };
    expect(rows(blind)[1]?.memoryRatio).toBeNull();
    expect(table(blind)).toContain('-');
  });
});

describe('reading', () => {
  it('reports how far the first losses are apart', () => {
    expect(firstLossGap(cell)).toBeCloseTo(0.01);
    expect(table(cell)).toContain('0.0100');
  });

  it('compares best with best over precisions', () => {
    const fp32: CellResult = {
      cell: { ...cell.cell, precision: 'fp32' },
      rounds: [{ results: { collie: result(150, 1e9), hf: result(400, 4e9) } }],
    };
    expect(bestAgainstBest([cell, fp32])).toEqual([
      'Best against best, lora, unpadded: Collie bf16 at 200 tokens/s is 0.50x of HF + PEFT fp32 at 400 tokens/s.',
    ]);
    expect(bestAgainstBest([cell])).toEqual([]);
  });

  it('writes a snippet with machine, settings and a table', () => {
    const report: BenchReport = {
      v: 1,
      date: '2026-01-02T03:04:05.000Z',
      machine: { cpu: 'Test CPU', features: ['avx2'], cores: 2, memoryBytes: 8e9, kernel: 'k', node: 'v20' },
      shape: { batch: 4, seq: 512, steps: 3, layers: 30, threads: 2 },
      notes: ['A note.'],
      cells: [cell],
    };
    const text = markdown(report);
    expect(text).toContain('2026-01-02. Test CPU, 2 cores (avx2), 8 GB');
    expect(text).toContain('| HF + PEFT | 100 (25 to 100) | 4.00 (2.00 to 4.00) | 3.00x (2.00x to 4.00x) |');
    expect(text).toContain('3 interleaved rounds');
    expect(text).toContain('- A note.');
  });
});

describe('summary', () => {
  it('counts tokens and time after the warm-up only', () => {
    const steps = [
      { timeUs: 9_000_000, tokens: 1000, loss: 3 },
      { timeUs: 10_000_000, tokens: 10, loss: 2 },
      { timeUs: 12_000_000, tokens: 20, loss: 1 },
    ];
    const made = summary(steps, 5, {});
    expect(made.stepSeconds).toEqual([1, 2]);
    expect(made.tokensPerSecond).toBeCloseTo(10);
    expect(made.losses).toEqual([3, 2, 1]);
  });

  it('wants a step besides the warm-up', () => {
    expect(() => summary([{ timeUs: 1, tokens: 1, loss: 1 }], null, {})).toThrow(/besides the warm-up/);
  });
});
