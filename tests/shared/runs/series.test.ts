import { describe, expect, it } from 'vitest';
import { DEFAULT_SET } from '../../../electron/shared/runs/event-line.ts';
import { axes, noPoints, type Points } from '../../../electron/shared/runs/points.ts';
import {
  emptySeries,
  type RunSeries,
  reduceEvents,
  reduceLines,
  upToStep,
} from '../../../electron/shared/runs/series.ts';
import { EventScript } from '../../support/event-script.ts';

const numbers = (column: Float64Array) => Array.from(column);
/** All columns of all points, by name. */
const values = ({ steps, evals }: RunSeries) =>
  Object.entries({ steps, ...evals }).map(([of, points]) => [
    of,
    ...axes.map((name) => [name, numbers(points.axis(name))]),
    ...points.names.map((name) => [name, numbers(points.metric(name))]),
  ]);
const evalsOf = (series: RunSeries) => series.evals[DEFAULT_SET] ?? noPoints;

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

    expect(numbers(series.steps.axis('step'))).toEqual([1, 2]);
    expect(numbers(series.steps.metric('loss'))).toEqual([4, 3]);
    expect(numbers(series.steps.axis('tokens'))).toEqual([100, 150]);
    expect(numbers(evalsOf(series).metric('loss'))).toEqual([4.2, 3.1]);
    // An evaluation stands at the place of its step on every x axis.
    expect(evalsOf(series).place(1)).toEqual(series.steps.place(1));
    expect(evalsOf(series).place(1).tokens).toBe(150);
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
    expect(before.ranks[1]?.seconds).toBeCloseTo(before.steps.place(3).seconds, 6);
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
    expect(numbers(steps.metric('curvature_seconds'))).toEqual([0.25, Number.NaN]);
  });

  it('gives the same whatever the batches are', () => {
    const script = new EventScript();
    script.started();
    for (let step = 1; step <= 40; step++) script.step(step, 5 / step);
    script.started({ resumed_from_step: 20, attempt: 2 });
    for (let step = 21; step <= 30; step++) script.step(step, 1);
    const whole = reduceEvents(emptySeries, script.events);
    const single = script.events.reduce((s, e) => reduceEvents(s, [e]), emptySeries);
    expect(values(single)).toEqual(values(whole));
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
      { v: 3, rank: 0, seq: 99, step: 1, timeUs: 1, type: 'step', payload: { metrics: {} } },
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
    script.changed(5, 100);
    script.changed(8, 200);
    const before = reduceEvents(emptySeries, script.events);
    script.wait(3600);
    script.started({ resumed_from_step: 5, attempt: 2 });
    script.step(6, 4.5, { tokens: 10 });
    const after = reduceEvents(before, script.events);

    expect(numbers(after.steps.axis('step'))).toEqual([1, 2, 3, 4, 5, 6]);
    expect(after.steps.at('loss', 5)).toBe(4.5);
    expect(after.steps.place(5).tokens).toBe(60);
    expect(numbers(evalsOf(after).axis('step'))).toEqual([4]);
    expect(after.changes).toEqual([{ step: 5, learning_rate: 1e-4, total_steps: 100 }]);
    expect(after.samples).toEqual([{ step: 4, prompt_index: 0, ids: [1, 2], finish: 'stop' }]);
    // The hour between the attempts is not running time.
    expect(after.steps.place(5).seconds).toBeLessThan(60);
    expect(after.steps.place(5).seconds).toBeGreaterThan(after.steps.place(4).seconds);
    // The earlier value is untouched, though both share memory.
    expect(numbers(before.steps.axis('step'))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
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

  it('a pause is no time spent running, also where something was saved during it', () => {
    const script = new EventScript();
    script.started();
    script.phase('training');
    script.step(1, 4);
    script.phase('paused');
    script.wait(100);
    script.phase('saving');
    script.wait(2);
    script.phase('paused');
    script.wait(50);
    script.phase('training');
    script.step(2, 3);
    const { steps } = reduceEvents(emptySeries, script.events);
    expect(numbers(steps.axis('seconds'))).toEqual([0.5, 3]);
  });

  it('evaluating a step again replaces its point', () => {
    const script = new EventScript();
    script.started();
    script.step(1, 4);
    script.eval(1, 3);
    script.eval(1, 2.5);
    const series = reduceEvents(emptySeries, script.events);
    expect(numbers(evalsOf(series).metric('loss'))).toEqual([2.5]);
  });

  it('keeps a null loss as a gap', () => {
    const script = new EventScript();
    script.started();
    script.step(1, 0, { loss: null });
    expect(reduceEvents(emptySeries, script.events).steps.at('loss', 0)).toBeNaN();
  });

  it('appends a live run of any length to the same columns, and keeps what older versions show', () => {
    const script = new EventScript();
    script.started({ total_steps: 5000 });
    for (let step = 1; step <= 5000; step++) script.step(step, 5 / step);
    let series = emptySeries;
    const columns = new Set<ArrayBufferLike>();
    for (let i = 0; i < script.events.length; i += 10) {
      series = reduceEvents(series, script.events.slice(i, i + 10));
      columns.add(series.steps.metric('loss').buffer);
    }
    expect(series.steps.length).toBe(5000);
    // One that doubles whenever it is full, not one a batch.
    expect(columns.size).toBe(Math.ceil(Math.log2(5000 / 256)) + 1);
    const early = reduceEvents(emptySeries, script.events.slice(0, 11));
    reduceEvents(early, script.events.slice(11));
    expect(numbers(early.steps.axis('step'))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });
});

describe('metrics by name', () => {
  it('takes any name of the engine, from its first point on', () => {
    const script = new EventScript();
    script.started();
    script.step(1, 1);
    script.step(2, 1, { reward_margin: 0.5 });
    script.eval(2, 3, 'other_rows', { exact_match: 0.25 });
    const { steps, evals } = reduceEvents(emptySeries, script.events);
    expect(steps.names).toContain('reward_margin');
    expect(numbers(steps.metric('reward_margin'))).toEqual([Number.NaN, 0.5]);
    expect(steps.metric('never_measured')).toHaveLength(0);
    expect(Object.keys(evals)).toEqual(['other_rows']);
    expect(evals.other_rows?.at('exact_match', 0)).toBe(0.25);
  });

  it('counts examples and epochs along the steps', () => {
    const script = new EventScript();
    script.started({ train_rows: 400 });
    for (let step = 1; step <= 4; step++) script.step(step, 1, { epoch: step / 10 });
    const { steps } = reduceEvents(emptySeries, script.events);
    expect(numbers(steps.axis('examples'))).toEqual([40, 80, 120, 160]);
    expect(numbers(steps.axis('epoch'))).toEqual([0.1, 0.2, 0.3, 0.4]);
  });

  it('reads run folders of version 1 as those of version 2', () => {
    const script = new EventScript();
    script.started();
    script.step(1, 4, { curvature_seconds: 0.25 });
    script.eval(1, 3);
    const old = script.events.map((event) => {
      if (event.type !== 'step' && event.type !== 'eval') return { ...event, v: 1 };
      const { eval_seconds, ...metrics } = event.payload.metrics;
      return {
        ...event,
        v: 1,
        payload: event.type === 'eval' ? { ...metrics, seconds: eval_seconds } : metrics,
      };
    });
    const lines = old.map((event) => JSON.stringify(event));
    expect(lines[1]).toContain('"payload":{"loss":4');
    expect(values(reduceLines(emptySeries, lines))).toEqual(values(reduceEvents(emptySeries, script.events)));
  });

  it('passes over lines of single ranks, torn lines and what was appended to them', () => {
    const script = new EventScript();
    script.started();
    script.step(1, 4);
    script.step(2, 3);
    const [started = '', first = '', second = ''] = script.events.map((event) => JSON.stringify(event));
    const own =
      '{"payload":{"step_seconds":1},"rank":0,"seq":1,"step":1,"timeUs":5,"type":"rank_step","v":2}';
    const series = reduceLines(emptySeries, [
      started,
      own,
      `${first.slice(0, 40)}${first}`,
      second.slice(0, 60),
      'x',
    ]);
    expect(numbers(series.steps.axis('step'))).toEqual([1]);
  });
});

describe('points', () => {
  it('keep older versions when two continue from the same one', () => {
    const place = (step: number) => ({ step, tokens: 0, examples: 0, epoch: 0, seconds: 0 });
    const grown = (from: Points, ...rows: number[]) => {
      const appender = from.append();
      for (const a of rows) appender.add(place(a), { a });
      return appender.close();
    };
    const base = grown(noPoints, 1, 2);
    const left = grown(base, 3);
    const right = grown(base, 4);
    expect(numbers(left.metric('a'))).toEqual([1, 2, 3]);
    expect(numbers(right.metric('a'))).toEqual([1, 2, 4]);
    expect(numbers(grown(left.upTo(1), 9).metric('a'))).toEqual([1, 9]);
    expect(numbers(left.metric('a'))).toEqual([1, 2, 3]);
    expect(noPoints.length).toBe(0);
  });
});

it('the resume rule leaves a list as it is when nothing is void', () => {
  const items = [{ step: 1 }, { step: 4 }];
  expect(upToStep(items, 4)).toBe(items);
  expect(upToStep(items, 3)).toEqual([{ step: 1 }]);
});
