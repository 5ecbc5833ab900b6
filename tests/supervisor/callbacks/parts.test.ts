/** What a callback is told, what may wait for it, and what it may log: pure parts. */
import { describe, expect, test } from 'vitest';
import type { RunEvent } from '../../../electron/shared/runs/events.ts';
import { EventQueue } from '../../../electron/supervisor/callbacks/event-queue.ts';
import { LoggedMetrics } from '../../../electron/supervisor/callbacks/logged.ts';
import { checkCallback, handlersOf, limitOf, says } from '../../../electron/supervisor/callbacks/shape.ts';
import { toldOf } from '../../../electron/supervisor/callbacks/told.ts';

const stepAt = (step: number) => ({ handler: 'onStep', step, event: { step, missed: 0 } }) as const;
const evaluationAt = (step: number) => ({ handler: 'onEvaluation', step, event: { step } }) as const;

describe('the queue', () => {
  test('keeps the newest step only, in its place among the others, and counts the rest', () => {
    const queue = new EventQueue();
    for (const told of [stepAt(1), stepAt(2), evaluationAt(2), stepAt(3)]) queue.push(told);
    expect(queue.next()).toEqual(evaluationAt(2));
    expect(queue.next()).toEqual({ ...stepAt(3), event: { step: 3, missed: 2 } });
    expect(queue.next()).toBeNull();
    expect(queue.missedSteps).toBe(2);
  });

  test('of other events, keeps the newest; the end is never let go', () => {
    const queue = new EventQueue();
    queue.push({ handler: 'onEnd', step: 0, event: {} });
    for (let k = 0; k < 1000; k += 1) queue.push(evaluationAt(k));
    expect(queue.length).toBe(256);
    expect(queue.dropped).toBe(745);
    expect(queue.next()?.handler).toBe('onEnd');
    expect(queue.next()).toEqual(evaluationAt(745));
  });
});

describe('what is logged', () => {
  const logged = () => {
    const notes: string[] = [];
    return { notes, metrics: new LoggedMetrics('mine', (note) => notes.push(note)) };
  };

  test('is under the name of the callback', () => {
    const { metrics, notes } = logged();
    expect(metrics.take(3, { gap: 0.5, 'deep/er': 1 })).toEqual({ 'mine/gap': 0.5, 'mine/deep/er': 1 });
    expect(notes).toEqual([]);
  });

  test('has limits, each of which is said once', () => {
    const { metrics, notes } = logged();
    const wrong = { 'no name': 1, nan: Number.NaN, text: 'a', fine: 1 };
    for (let step = 1; step <= 3; step += 1) expect(metrics.take(step, wrong)).toEqual({ 'mine/fine': 1 });
    expect(notes).toHaveLength(3);
    const many = Object.fromEntries(Array.from({ length: 100 }, (_, k) => [`m${k}`, k]));
    expect(Object.keys(metrics.take(4, many) ?? {})).toHaveLength(31);
    for (let k = 0; k < 3; k += 1) expect(metrics.take(5, { fine: k })).not.toBeNull();
    for (let k = 0; k < 9; k += 1) metrics.take(5, { fine: k });
    expect(metrics.take(5, { fine: 1 })).toBeNull();
    expect(metrics.take(6, { fine: 1 })).not.toBeNull();
    expect(notes).toHaveLength(5);
  });
});

test('callbacks are told of what the run went through, and of nothing else', () => {
  const at = (type: string, payload: object) =>
    ({ v: 2, rank: 0, seq: 0, timeUs: 0, step: 7, type, payload }) as RunEvent;
  expect(toldOf(at('checkpoint', { name: 'step-00000007', bytes: 5, seconds: 1 }), null, '/run')).toEqual({
    handler: 'onCheckpoint',
    step: 7,
    event: { step: 7, name: 'step-00000007', folder: '/run/checkpoints/step-00000007', bytes: 5 },
  });
  expect(toldOf(at('eval', { set: 'eval', metrics: { loss: null } }), null, '/run')?.event).toEqual({
    step: 7,
    set: 'eval',
    metrics: { loss: null },
  });
  // A sample that could not be decoded.
  expect(toldOf(at('sample', { prompt_index: 0, ids: [], finish: 'stop' }), null, '/run')).toBeNull();
  expect(toldOf(at('phase', { name: 'training', progress: null }), null, '/run')).toBeNull();
});

describe('the default export', () => {
  test.each<[unknown, RegExp]>([
    [undefined, /no default export/],
    [() => {}, /a function, not an object/],
    [[], /a list, not an object/],
    [null, /null, not an object/],
    [{}, /no handler/],
    [{ limitSeconds: 5 }, /no handler/],
    [{ onStop() {} }, /no handler onStop; there are onStart/],
    [{ onStep: 3 }, /onStep is a number/],
    [{ limitSeconds: 0, onStep() {} }, /limitSeconds is 0/],
    [{ limitSeconds: 601, onStep() {} }, /at most 600/],
  ])('%j is refused', (exported, message) => {
    expect(() => checkCallback(exported)).toThrow(message);
  });

  test('with a handler is one', () => {
    const callback = checkCallback({ onEnd() {}, onStep() {} });
    expect(handlersOf(callback)).toEqual(['onStep', 'onEnd']);
    expect(limitOf(callback)).toBe(60);
  });

  test('what it throws is told in a line, with its place', () => {
    const error = new Error('no good\nat all');
    error.stack = 'Error: no good\n    at onStep (file:///runs/a/callbacks/mine.mjs:12:5)';
    expect(says(error)).toBe('no good (line 12 of mine)');
    expect(says('a text')).toBe('a text');
    expect(says(undefined)).toBe('undefined');
  });
});
