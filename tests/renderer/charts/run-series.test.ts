import { describe, expect, it } from 'vitest';
import { emptySeries, reduceEvents } from '../../../renderer/src/charts/run-series.ts';
import { EventScript } from './event-script.ts';

const numbers = (column: Float64Array) => Array.from(column);

describe('reduceEvents', () => {
  it('turns steps, evaluations, checkpoints and phases into columns', () => {
    const script = new EventScript();
    script.started({ total_steps: 3 });
    script.phase('training');
    script.eval(0, 4.2);
    script.step(1, 4, { tokens: 100 });
    script.step(2, 3, { tokens: 50 });
    script.eval(2, 3.1);
    script.checkpoint(2);
    const series = reduceEvents(emptySeries, script.events);

    expect(numbers(series.steps.column('step'))).toEqual([1, 2]);
    expect(numbers(series.steps.column('loss'))).toEqual([4, 3]);
    expect(numbers(series.steps.column('tokens'))).toEqual([100, 150]);
    expect(numbers(series.evals.column('loss'))).toEqual([4.2, 3.1]);
    // An evaluation stands at the place of its step on every x axis.
    expect(series.evals.at('tokens', 1)).toBe(150);
    expect(series.evals.at('seconds', 1)).toBe(series.steps.at('seconds', 1));
    expect(series.checkpoints.map((c) => c.name)).toEqual(['step-00000002']);
    expect(series.phases.map((p) => p.name)).toEqual(['training']);
    expect(series.attempts[0]?.total_steps).toBe(3);
    expect(series.lastSeq).toBe(script.events.length - 1);
  });

  it('keeps every allocation of ranks, at the place of its step; a resume voids later ones', () => {
    const q = 'model.layers.0.self_attn.q_proj';
    const script = new EventScript();
    script.started();
    for (let step = 1; step <= 6; step++) {
      script.step(step, 1, { tokens: 10 });
      if (step % 2 === 0) script.ranks(step, { [q]: 12 - step });
    }
    const before = reduceEvents(emptySeries, script.events);
    expect(before.ranks.map(({ step, total, tokens }) => [step, total, tokens])).toEqual([
      [2, 10, 20],
      [4, 8, 40],
      [6, 6, 60],
    ]);
    expect(before.ranks[1]?.seconds).toBeCloseTo(before.steps.at('seconds', 3), 6);
    script.started({ resumed_from_step: 4, attempt: 2 });
    script.step(5, 1);
    script.step(6, 1);
    script.ranks(6, { [q]: 7 });
    const after = reduceEvents(emptySeries, script.events);
    expect(after.ranks.map(({ step, total }) => [step, total])).toEqual([
      [2, 10],
      [4, 8],
      [6, 7],
    ]);
  });

  it('has the seconds of a curvature estimate in the steps that made one', () => {
    const script = new EventScript();
    script.started();
    script.step(1, 1, { curvature_seconds: 0.25 });
    script.step(2, 1);
    const { steps } = reduceEvents(emptySeries, script.events);
    expect(numbers(steps.column('curvature_seconds'))).toEqual([0.25, Number.NaN]);
  });

  it('gives the same whatever the batches are', () => {
    const script = new EventScript();
    script.started();
    for (let step = 1; step <= 40; step++) script.step(step, 5 / step);
    script.started({ resumed_from_step: 20, attempt: 2 });
    for (let step = 21; step <= 30; step++) script.step(step, 1);
    const whole = reduceEvents(emptySeries, script.events);
    const single = script.events.reduce((s, e) => reduceEvents(s, [e]), emptySeries);
    for (const name of ['step', 'loss', 'tokens', 'seconds'] as const)
      expect(numbers(single.steps.column(name))).toEqual(numbers(whole.steps.column(name)));
  });

  it('skips events seen before, of other ranks, and anything that is no event', () => {
    const script = new EventScript();
    script.started();
    script.step(1, 4);
    const once = reduceEvents(emptySeries, script.events);
    const junk = [
      null,
      7,
      'torn {"v":1',
      {},
      { v: 2, rank: 0, seq: 99, step: 1, timeUs: 1, type: 'step', payload: {} },
    ];
    const otherRank = { ...script.events[1], rank: 1, seq: 50 };
    const unknownType = { ...script.events[1], seq: 51, type: 'toString' };
    const again = reduceEvents(once, [...script.events, ...junk, otherRank, unknownType]);
    expect(again).toBe(once);
  });

  it('a resume voids what was measured beyond its step, and only that', () => {
    const script = new EventScript();
    script.started();
    for (let step = 1; step <= 10; step++) script.step(step, 10 - step, { tokens: 10 });
    script.eval(4, 6);
    script.eval(8, 2);
    script.sample(4);
    script.sample(8);
    script.checkpoint(5);
    const before = reduceEvents(emptySeries, script.events);
    script.wait(3600);
    script.started({ resumed_from_step: 5, attempt: 2 });
    script.step(6, 4.5, { tokens: 10 });
    const after = reduceEvents(before, script.events);

    expect(numbers(after.steps.column('step'))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(after.steps.at('loss', 5)).toBe(4.5);
    expect(after.steps.at('tokens', 5)).toBe(60);
    expect(numbers(after.evals.column('step'))).toEqual([4]);
    expect(after.samples).toEqual([{ step: 4, promptIndex: 0 }]);
    // The hour between the attempts is not running time.
    expect(after.steps.at('seconds', 5)).toBeLessThan(60);
    expect(after.steps.at('seconds', 5)).toBeGreaterThan(after.steps.at('seconds', 4));
    // The earlier value is untouched, though both share memory.
    expect(numbers(before.steps.column('step'))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    expect(before.steps.at('loss', 5)).toBe(4);
  });

  it('a fresh start voids everything, an error is forgotten by the next attempt', () => {
    const script = new EventScript();
    script.started();
    script.step(1, 4);
    script.error('rank.died');
    const failed = reduceEvents(emptySeries, script.events);
    expect(failed.error?.code).toBe('rank.died');
    script.started({ resumed_from_step: 0, attempt: 2 });
    const restarted = reduceEvents(failed, script.events);
    expect(restarted.steps.length).toBe(0);
    expect(restarted.error).toBeNull();
  });

  it('evaluating a step again replaces its point', () => {
    const script = new EventScript();
    script.started();
    script.step(1, 4);
    script.eval(1, 3);
    script.eval(1, 2.5);
    const series = reduceEvents(emptySeries, script.events);
    expect(numbers(series.evals.column('loss'))).toEqual([2.5]);
  });

  it('keeps a null loss as a gap', () => {
    const script = new EventScript();
    script.started();
    script.step(1, null as unknown as number);
    expect(reduceEvents(emptySeries, script.events).steps.at('loss', 0)).toBeNaN();
  });

  it('takes 100,000 steps, one by one as a live run sends them, without copying them again and again', () => {
    const script = new EventScript();
    script.started({ total_steps: 100_000 });
    for (let step = 1; step <= 100_000; step++) script.step(step, 5 / Math.sqrt(step));
    const start = performance.now();
    let series = emptySeries;
    for (let i = 0; i < script.events.length; i += 10)
      series = reduceEvents(series, script.events.slice(i, i + 10));
    expect(series.steps.length).toBe(100_000);
    // Copying on every batch would move 100 GB; appending takes a fraction of a second.
    expect(performance.now() - start).toBeLessThan(5000);
  });
});
