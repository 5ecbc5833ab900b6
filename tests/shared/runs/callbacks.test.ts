/** What callbacks log, as part of a run's series. */
import { expect, test } from 'vitest';
import { callbackSet } from '../../../electron/shared/runs/callbacks.ts';
import { metricInfo, OTHER } from '../../../electron/shared/runs/metrics.ts';
import { emptySeries, reduceEvents } from '../../../electron/shared/runs/series.ts';

const event = (seq: number, step: number, type: string, payload: object) => ({
  ...{ v: 2, rank: 0, seq, timeUs: seq * 1e6, step },
  ...{ type, payload },
});
const started = (seq: number, resumed_from_step: number) =>
  event(seq, resumed_from_step, 'started', {
    ...{ attempt: 1, resumed_from_step, total_steps: 9, train_rows: 10, eval_rows: 0 },
    ...{ trainable_params: 1, total_params: 1, device: 'cpu', threads: 1 },
  });
const trained = (seq: number, step: number) =>
  event(seq, step, 'step', { metrics: { loss: 1, tokens: 100 } });
const logged = (seq: number, step: number, metrics: object) =>
  event(seq, step, 'logged', { callback: 'mine', metrics });

const SET = callbackSet('mine');

test('is at its step on every axis, several logs of a step as one point, in a stream with a count of its own', () => {
  const first = reduceEvents(emptySeries, [started(0, 0), trained(1, 1), trained(2, 2), trained(3, 3)]);
  const both = reduceEvents(first, [
    logged(0, 2, { 'mine/a': 1 }),
    logged(1, 2, { 'mine/b': 2 }),
    logged(1, 2, { 'mine/b': 9 }), // told again
    logged(2, 3, { 'mine/a': 3 }),
  ]);
  expect(both).toMatchObject({ lastSeq: 3, lastCallbackSeq: 2 });
  const points = both.evals[SET];
  expect([...(points?.axis('tokens') ?? [])]).toEqual([200, 300]);
  expect([...(points?.metric('mine/a') ?? [])]).toEqual([1, 3]);
  expect([...(points?.metric('mine/b') ?? [])]).toEqual([2, Number.NaN]);
});

test('a resume makes void what was logged beyond it, in whatever order the two files are read', () => {
  const run = [started(0, 0), trained(1, 1), trained(2, 2), trained(3, 3), started(4, 1), trained(5, 2)];
  const callbacks = [
    event(0, 0, 'callbacks_started', { resumed_from_step: 0 }),
    ...[1, 2, 3].map((step) => logged(step, step, { 'mine/a': step })),
    event(4, 1, 'callbacks_started', { resumed_from_step: 1 }),
    logged(5, 2, { 'mine/a': 20 }),
  ];
  for (const order of [
    [...run, ...callbacks],
    [...run.slice(0, 4), ...callbacks.slice(0, 4), ...run.slice(4), ...callbacks.slice(4)],
  ]) {
    const points = reduceEvents(emptySeries, order).evals[SET];
    expect([...(points?.axis('step') ?? [])]).toEqual([1, 2]);
    expect([...(points?.metric('mine/a') ?? [])]).toEqual([1, 20]);
  }
});

test('is drawn under Other', () => {
  expect(metricInfo('mine/loss')).toMatchObject({ chart: OTHER.id, title: 'mine/loss', better: null });
});
