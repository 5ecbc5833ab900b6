import { describe, expect, it } from 'vitest';
import type { RunStatus } from '../../../electron/shared/runs/events.ts';
import type { SweepCard } from '../../../electron/shared/runs/sweep-record.ts';
import { mockRuns } from '../../../renderer/src/client/mock/mock-runs.ts';
import type { RunRow } from '../../../renderer/src/features/runs/run-rows.ts';
import { runsOf, withSweeps } from '../../../renderer/src/features/runs/sweep-rows.ts';
import {
  bestPoint,
  pointsOf,
  progressOf,
  progressText,
} from '../../../renderer/src/features/sweeps/sweep-points.ts';

const RATE = 'optimizer.learning_rate';
const run = (id: string, rate: number, seed: number) => ({ id, values: { [RATE]: rate }, seed });
const sweep: SweepCard = {
  ...{ id: 's', kind: 'sweep', name: 'Rates', createdAt: '2026-01-01T00:00:00Z', budget: null },
  runs: [run('a1', 1e-4, 1), run('a2', 1e-4, 2), run('b1', 2e-4, 1), run('b2', 2e-4, 2)],
};
const fresh: Partial<RunStatus> = { step: 0, totalSteps: null, lastLoss: null, lastEvalLoss: null };
const status = (id: string, part: Partial<RunStatus>): RunStatus => ({
  ...(mockRuns[0] as RunStatus),
  ...fresh,
  id,
  ...part,
});
const done = (id: string, lastEvalLoss: number) =>
  status(id, { state: 'completed', lastEvalLoss, lastLoss: 9, step: 10, totalSteps: 10 });
const byId = (...all: RunStatus[]) => Object.fromEntries(all.map((one) => [one.id, one]));

describe('the points of a sweep', () => {
  it('have the mean and spread of their seeds, in one kind of loss', () => {
    const statuses = byId(done('a1', 1), done('a2', 3), status('b1', { state: 'running', lastLoss: 0.1 }));
    const [a, b] = pointsOf(sweep, statuses);
    expect(a).toMatchObject({ mean: 2, losses: [1, 3], done: true });
    expect(a?.sd).toBeCloseTo(Math.SQRT2, 12);
    // A loss of training is not held against evaluations.
    expect(b).toMatchObject({ mean: null, sd: null, done: false });
    expect(bestPoint(pointsOf(sweep, statuses))?.key).toBe(a?.key);
  });

  it('that are through go before one that is ahead for now', () => {
    const statuses = byId(done('a1', 2), done('a2', 2), status('b1', { state: 'running', lastEvalLoss: 1 }));
    expect(bestPoint(pointsOf(sweep, statuses))?.values).toEqual({ [RATE]: 1e-4 });
  });

  it('say how far all is', () => {
    const statuses = byId(
      done('a1', 1),
      status('a2', { state: 'running', step: 5, totalSteps: 10 }),
      status('b1', { state: 'queued' }),
    );
    const progress = progressOf(sweep, statuses);
    expect(progress.share).toBe(0.375);
    expect(progressText(progress)).toBe('1 of 4 complete, 1 running, 1 waiting, 1 removed');
    const paused = status('b2', { state: 'stopped', phase: 'Paused at a rung' });
    expect(progressText(progressOf(sweep, { ...statuses, b2: paused }))).toBe(
      '1 of 4 complete, 1 running, 1 waiting, 1 paused at a rung',
    );
  });
});

describe('the list of runs', () => {
  const row = (id: string): RunRow => ({
    ...{ run: status(id, {}), summary: null, name: id, model: '', dataset: '', method: '', tags: [] },
  });
  const rows = ['x', 'b1', 'a1', 'y', 'a2'].map(row);

  it('has one row for a sweep, where its first run stands', () => {
    const closed = withSweeps(rows, [sweep], new Set());
    expect(closed.map((one) => (one.kind === 'sweep' ? one.sweep.id : one.row.name))).toEqual([
      'x',
      's',
      'y',
    ]);
    expect(runsOf(closed).map(({ name }) => name)).toEqual(['x', 'b1', 'a1', 'a2', 'y']);
  });

  it('opens it, and leaves a single run of it a run', () => {
    const open = withSweeps(rows, [sweep], new Set(['s']));
    expect(
      open.map((one) => (one.kind === 'sweep' ? 's' : `${one.row.name}${one.inside ? ' in' : ''}`)),
    ).toEqual([...['x', 's', 'b1 in', 'a1 in', 'a2 in', 'y']]);
    expect(runsOf(open)).toHaveLength(5);
    expect(withSweeps([row('a1')], [sweep], new Set())).toMatchObject([{ kind: 'run', inside: false }]);
  });
});
