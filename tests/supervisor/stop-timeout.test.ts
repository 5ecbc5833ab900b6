/** How long ranks may take to end by themselves. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { StopTimeout } from '../../electron/supervisor/stop-timeout.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a run that was asked to stop has ten minutes from its last sign of life', () => {
  const timeout = new StopTimeout();
  const asked = () => timeout.over({ stopping: true, failed: false });
  vi.advanceTimersByTime(599_000);
  expect(asked()).toBeNull();
  timeout.sign();
  vi.advanceTimersByTime(599_000);
  expect(asked()).toBeNull();
  vi.advanceTimersByTime(1_000);
  expect(asked()).toMatch(/does not stop/);
  expect(timeout.over({ stopping: false, failed: false })).toBeNull();
});

test('after the end of one rank the others have five seconds, anew in each attempt', () => {
  const timeout = new StopTimeout();
  const failed = () => timeout.over({ stopping: false, failed: true });
  expect(failed()).toBeNull();
  vi.advanceTimersByTime(4_999);
  expect(failed()).toBeNull();
  vi.advanceTimersByTime(1);
  expect(failed()).toMatch(/the others have not/);
  expect(new StopTimeout().over({ stopping: false, failed: true })).toBeNull();
});
