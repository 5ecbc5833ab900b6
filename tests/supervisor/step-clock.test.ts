/** How long the rest takes: of a training by its steps, of an evaluation by its progress. */
import { expect, test } from 'vitest';
import type { RunEvent } from '../../electron/shared/runs/events.ts';
import { ProgressClock, StepClock } from '../../electron/supervisor/step-clock.ts';

const event = (type: string, seconds: number, payload: object, step = 0) =>
  ({ v: 2, rank: 0, seq: 0, timeUs: seconds * 1e6, step, type, payload }) as unknown as RunEvent;
const step = (n: number, seconds: number) => event('step', seconds, { metrics: { step_seconds: 1 } }, n);
const phase = (name: string, seconds: number, progress: number | null = null) =>
  event('phase', seconds, { name, progress });

test('a pause counts in nothing', () => {
  const clock = new StepClock();
  for (const one of [step(1, 1), step(2, 2), phase('paused', 2)]) clock.see(one);
  // Saved meanwhile: the pause goes on.
  for (const one of [phase('saving', 500), phase('paused', 501), phase('training', 1002)]) clock.see(one);
  clock.see(step(3, 1003));
  expect(clock.secondsLeft(13)).toBeCloseTo(10 * ((1 + 1 + 1) / 2), 5);
});

test('an evaluation says how long it takes once it has come some way', () => {
  const clock = new ProgressClock();
  clock.see(phase('evaluating', 10, 0));
  expect(clock.phaseSecondsLeft()).toBeNull();
  clock.see(phase('evaluating', 20, 0.25));
  expect(clock.phaseSecondsLeft()).toBeCloseTo(30, 6);
  clock.see(event('started', 20, {}));
  expect(clock.phaseSecondsLeft()).toBeNull();
});
