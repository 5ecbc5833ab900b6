import { describe, expect, it } from 'vitest';
import type { Job } from '../../../electron/shared/api/entities.ts';
import { jobResult } from '../../../renderer/src/app/job-result.ts';

const job = (change: Partial<Job>): Job => ({
  id: 'j',
  kind: 'model.import',
  title: 'Import',
  subject: null,
  state: 'done',
  progress: 1,
  message: '',
  etaSeconds: null,
  startedAt: '2026-11-23T00:00:00Z',
  finishedAt: '2026-11-23T00:01:00Z',
  result: null,
  error: null,
  ...change,
});

describe('a finished job', () => {
  it('leads to what it made', () => {
    const to = (change: Partial<Job>) => jobResult(job(change))?.href;
    expect(to({ result: { id: 'tiny' } })).toBe('#/models/tiny');
    expect(to({ kind: 'dataset.import', result: { id: 'sums' } })).toBe('#/datasets/sums');
    expect(to({ kind: 'dataset.stats', subject: 'sums', result: { rows: 3 } })).toBe(
      '#/datasets/sums/tokens',
    );
    expect(to({ kind: 'export', result: { runId: 'a b' } })).toBe('#/runs/a%20b?tab=checkpoints');
  });

  it('leads nowhere while it runs, and after a failure', () => {
    expect(jobResult(job({ state: 'running', result: { id: 'tiny' } }))).toBeNull();
    expect(jobResult(job({ state: 'failed' }))).toBeNull();
    expect(jobResult(job({ result: 'text' }))).toBeNull();
  });
});
