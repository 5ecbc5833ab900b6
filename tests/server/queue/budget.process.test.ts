/** The budget of a sweep over fake ranks: what trains is stopped at a checkpoint, what waits is not started, and all go on when it is raised. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { BUDGET_SPENT } from '../../../electron/shared/spec/sweep-budget.ts';
import { FakeSweeps } from './sweep-harness.ts';

let sweeps: FakeSweeps;

beforeEach(() => {
  sweeps = new FakeSweeps();
});

afterEach(() => sweeps.remove());

/** Of 100 tokens a step; longer than any test. */
const endless = { steps: 100_000, stepMs: 20, checkpointEvery: 100_000 };

describe('the budget of a sweep in the queue', { timeout: 400_000 }, () => {
  it('stops what trains, holds what waits, and lets both go on when it is raised', async () => {
    const { fake, queue } = sweeps;
    const { id, ids, definition } = await sweeps.add([[endless], [endless]], {
      budget: { hours: null, tokens: 500 },
    });
    const [first = '', second = ''] = ids;
    queue.set({ paused: false });
    const ended = await fake.until(first, ({ state }) => state === 'stopped');
    expect(ended).toMatchObject({ phase: BUDGET_SPENT, error: null, attempt: 1 });
    expect(ended.step).toBeGreaterThanOrEqual(5);
    expect(ended.checkpoint).not.toBeNull();
    const [waiting] = queue.state().items;
    expect(waiting).toMatchObject({ id: second, state: 'waiting' });
    expect(waiting?.reason).toMatch(/^The budget of the sweep Swept is spent: [\d,]+ of 500 tokens\. /);
    expect(queue.budgets.of(queue.sweeps.get(id))).toMatchObject({ tokens: 500, over: true });

    await queue.extendSweep(id, { ...definition, budget: { hours: null, tokens: 1e9 } }, []);
    const again = await fake.until(first, ({ state, attempt }) => state === 'running' && attempt === 2);
    expect(again.step).toBeGreaterThanOrEqual(ended.step);
    expect(queue.budgets.of(queue.sweeps.get(id))?.over).toBe(false);
    expect(queue.state().items).toMatchObject([{ id: second, state: 'queued', reason: '' }]);
  });

  it('leaves a run alone that somebody starts by hand past it', async () => {
    const { fake, queue } = sweeps;
    const short = { steps: 150, stepMs: 20, checkpointEvery: 1000 };
    const { ids } = await sweeps.add([[endless], [short]], { budget: { hours: null, tokens: 500 } });
    const [first = '', second = ''] = ids;
    queue.set({ paused: false });
    await fake.until(first, ({ phase }) => phase === BUDGET_SPENT);
    await queue.startNow(second);
    // Three seconds of training: several looks of the queue.
    expect(await fake.until(second, ({ state }) => state === 'completed')).toMatchObject({ attempt: 1 });
  });

  it('counts time, over attempts, and what is no sweep has none', async () => {
    const { fake, queue } = sweeps;
    const { id, ids } = await sweeps.add([[{ steps: 20, stepMs: 20 }]], {
      budget: { hours: 1, tokens: null },
    });
    queue.set({ paused: false });
    await fake.until(ids[0] ?? '', ({ state }) => state === 'completed');
    const spent = queue.budgets.of(queue.sweeps.get(id))?.spent;
    expect(spent?.tokens).toBe(2000);
    // 20 steps of 20 ms at least.
    expect(Number(spent?.hours) * 3600).toBeGreaterThan(0.3);
    expect(Number(spent?.hours) * 3600).toBeLessThan(60);
    expect(queue.budgets.of({ ...queue.sweeps.get(id), definition: {} })).toBeNull();
  });
});
