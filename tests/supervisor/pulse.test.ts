/** Whether ranks that say nothing still do something. */
import { spawn } from 'node:child_process';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { processRef } from '../../electron/server/runs/process.ts';
import { Pulse } from '../../electron/supervisor/pulse.ts';

const one = [{ pid: 7, start: '1' }];
let ticks: number | null = 0;
beforeEach(() => {
  ticks = 0;
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** Looks every five seconds, as long as `seconds` go by; `perSecond` ticks of processor time are used in each. */
function watch(pulse: Pulse, seconds: number, perSecond: number) {
  for (let passed = 0; passed < seconds; passed += 5) {
    vi.advanceTimersByTime(5_000);
    if (ticks !== null) ticks += perSecond * 5;
    if (pulse.look(one)) return passed + 5;
  }
  return null;
}

test('neither events nor processor time beyond the limit: stuck, said once', () => {
  const pulse = new Pulse(600, () => ticks);
  expect(watch(pulse, 300, 50)).toBeNull();
  expect(watch(pulse, 590, 0)).toBeNull();
  expect(watch(pulse, 30, 0)).not.toBeNull();
  expect(pulse.hung).toMatchObject({ code: 'rank.hung', data: { pids: [7] } });
  expect(pulse.look(one)).toBeNull();
});

test('a long step computes, a device is waited for busily, events are signs of life', () => {
  const pulse = new Pulse(600, () => ticks);
  expect(watch(pulse, 7_200, 100)).toBeNull();
  expect(watch(pulse, 500, 0)).toBeNull();
  pulse.sign();
  expect(watch(pulse, 500, 0)).toBeNull();
});

test('a thread that only looks at the clock is no sign of life; what cannot be seen is no sign of death', () => {
  expect(watch(new Pulse(600, () => ticks), 900, 1)).not.toBeNull();
  ticks = null;
  expect(watch(new Pulse(600, () => ticks), 7_200, 0)).toBeNull();
});

test('a machine that slept is no rank that hangs', () => {
  const pulse = new Pulse(600, () => ticks);
  watch(pulse, 10, 100);
  vi.advanceTimersByTime(8 * 3_600_000);
  expect(pulse.look(one)).toBeNull();
});

test.runIf(process.platform === 'linux')('a stopped process uses no processor time', () => {
  const child = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
  child.on('error', () => {});
  child.kill('SIGSTOP');
  const pulse = new Pulse(600);
  const ref = [processRef(child.pid ?? 0)];
  let hung = null;
  for (let passed = 0; passed < 900 && !hung; passed += 5) {
    vi.advanceTimersByTime(5_000);
    hung = pulse.look(ref);
  }
  expect(hung).not.toBeNull();
  child.kill('SIGKILL');
});
