/** Successive halving over fake ranks: runs pause at their rung, the best goes on from its checkpoint, and one that gets no better ends. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readRungs } from '../../../electron/server/runs/rungs.ts';
import { PAUSED_AT_RUNG } from '../../../electron/shared/runs/halving.ts';
import { FakeSweeps } from './sweep-harness.ts';

let sweeps: FakeSweeps;

beforeEach(() => {
  sweeps = new FakeSweeps();
});

afterEach(() => sweeps.remove());

/** Evaluates every 5 steps of 100 tokens. */
const behaviour = (evalLoss: number, steps = 60) => ({
  ...{ steps, stepMs: 20, checkpointEvery: 100, evalEvery: 5, evalLoss },
});
const paused = { state: 'stopped', phase: PAUSED_AT_RUNG, attempt: 1, error: null };

describe('successive halving in the queue', { timeout: 400_000 }, () => {
  it('pauses all at the first rung, and takes the best to the end', async () => {
    const { fake, queue } = sweeps;
    const losses = [3, 1, 2];
    const { ids } = await sweeps.add(
      losses.map((loss) => [behaviour(loss)]),
      { halving: { rungs: [1000], eta: 3 } },
    );
    queue.set({ paused: false });
    const best = ids[1] ?? '';
    const status = await fake.until(best, ({ state }) => state === 'completed');
    expect(status).toMatchObject({ attempt: 2, step: 60 });
    for (const id of [ids[0], ids[2]]) expect(fake.registry.status(id ?? '')).toMatchObject(paused);
    expect(
      ids.map((id) => readRungs(fake.registry.dir(id)).map(({ tokens, loss }) => [tokens, loss])),
    ).toEqual([...[[[1000, 3]], [[1000, 1]], [[1000, 2]]]]);
    // From its checkpoint, not from the start.
    const resumed = fake.events(best).filter(({ type }) => type === 'started');
    expect(resumed.map(({ step }) => step > 0)).toEqual([false, true]);
  });

  it('takes all seeds of the best point on, by their mean, and none of the others', async () => {
    const { fake, queue } = sweeps;
    // The single best run is the first seed of the second point, whose mean is worse.
    const { ids } = await sweeps.add(
      [
        [behaviour(2, 20), behaviour(2.2, 20)],
        [behaviour(1, 20), behaviour(9, 20)],
      ],
      { halving: { rungs: [1000], eta: 2 } },
    );
    queue.set({ paused: false });
    for (const id of ids.slice(0, 2)) {
      const status = await fake.until(id, ({ state }) => state === 'completed');
      expect(status).toMatchObject({ attempt: 2, step: 20 });
    }
    for (const id of ids.slice(2)) expect(fake.registry.status(id)).toMatchObject(paused);
  });

  it('ends a run that gets no better, and goes on behind it', async () => {
    const { fake, queue } = sweeps;
    const { ids } = await sweeps.add([[behaviour(2)], [behaviour(2)]], {
      plateau: { evaluations: 2, least: 0 },
    });
    queue.set({ paused: false });
    for (const id of ids) {
      const status = await fake.until(id, ({ state }) => state === 'stopped');
      expect(status.phase).toBe('Stopped: no better over 2 evaluations');
      expect(status.step).toBeLessThan(40);
    }
  });
});
