/** Rows and cells of the table of a comparison. */
import { describe, expect, it } from 'vitest';
import type { ComparisonReport } from '../../../electron/shared/runs/comparison.ts';
import { writtenCell, writtenValue } from '../../../renderer/src/features/compare/cells.ts';
import { tableSections } from '../../../renderer/src/features/compare/table-rows.ts';

const cell = (mean: number, delta: number | null = null, better: boolean | null = null) => ({
  mean,
  sd: null,
  n: 1,
  delta,
  better,
});
const report = {
  groups: [{}, {}],
  settings: [
    {
      section: 'Optimizer',
      path: 'optimizer.learning_rate',
      title: 'Learning rate',
      values: ['1', '2'],
      differs: true,
    },
    {
      section: 'Batch',
      path: 'batch.seq_len',
      title: 'Sequence length',
      values: ['512', '512'],
      differs: false,
    },
  ],
  environment: [
    { section: 'Environment', path: 'Device', title: 'Device', values: ['cpu', 'cuda'], differs: true },
  ],
  results: [
    {
      metric: 'loss',
      source: 'eval',
      title: 'Loss (evaluation)',
      unit: 'nats',
      better: 'lower',
      kind: 'quality',
      values: [cell(1), cell(0.9, -0.1, true)],
    },
    {
      metric: 'grad_norm',
      source: 'steps',
      title: 'Gradient norm',
      unit: '',
      better: null,
      kind: 'quality',
      values: [cell(1), cell(1)],
    },
    {
      metric: 'peak',
      source: 'cost',
      title: 'Peak memory',
      unit: 'bytes',
      better: 'lower',
      kind: 'cost',
      values: [cell(1), cell(1)],
    },
  ],
} as unknown as ComparisonReport;

describe('the table', () => {
  const titles = (wish: Parameters<typeof tableSections>[1], of = report) =>
    tableSections(of, wish).map(({ title, rows, same }) => [title, rows.map((row) => row.title), same]);

  it('shows what differs alone at first, results always', () => {
    expect(titles({ onlyDiffering: true, search: '' })).toEqual([
      ['Results', ['Loss (evaluation)'], 0],
      ['Settings that differ', ['Learning rate'], 0],
      ['Cost', ['Peak memory'], 0],
      ['Also measured', [], 1],
      ['Batch', [], 1],
      ['Environment', ['Device'], 0],
    ]);
  });

  it('shows the rest behind it, and all of a single group', () => {
    expect(titles({ onlyDiffering: false, search: '' }).at(-2)).toEqual(['Batch', ['Sequence length'], 0]);
    const one = { ...report, groups: report.groups.slice(1) };
    expect(titles({ onlyDiffering: true, search: '' }, one).at(-2)).toEqual([
      'Batch',
      ['Sequence length'],
      0,
    ]);
  });

  it('is searched by titles, paths and values', () => {
    expect(titles({ onlyDiffering: true, search: 'optimizer RATE' })).toEqual([
      ['Settings that differ', ['Learning rate'], 0],
    ]);
    expect(titles({ onlyDiffering: false, search: '512' }).flat()).toContain('Batch');
    expect(titles({ onlyDiffering: true, search: 'nonsense' })).toEqual([]);
  });

  it('writes values with spread, difference and direction', () => {
    expect(writtenCell('nats', { mean: 1.23456, sd: 0.01, n: 3, delta: -0.1, better: true })).toEqual({
      value: '1.235',
      spread: '± 0.01 (3)',
      delta: '−0.1 better',
      better: true,
    });
    expect(writtenCell('', cell(2, 0))).toMatchObject({ delta: 'the same', spread: '' });
    expect([0.0042, 0.00001, 5, 4000, -90].map((value) => writtenValue('seconds', value))).toEqual([
      '4.2 ms',
      '< 0.1 ms',
      '5 s',
      '1 h 07 min',
      '−1 min 30 s',
    ]);
  });
});
