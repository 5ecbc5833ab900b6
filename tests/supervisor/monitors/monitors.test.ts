/** Monitors over an imagined machine: what they write, when, and what becomes of it after a resume. */
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { GpuReading } from '../../../electron/server/native/addon.ts';
import type { RunEvent } from '../../../electron/shared/runs/events.ts';
import { machineMetrics } from '../../../electron/shared/runs/machine-metrics.ts';
import { metricInfo } from '../../../electron/shared/runs/metrics.ts';
import { emptySeries, reduceEvents, reduceLines } from '../../../electron/shared/runs/series.ts';
import { RunGpus } from '../../../electron/supervisor/monitors/gpus.ts';
import type { Machine } from '../../../electron/supervisor/monitors/machine.ts';
import { Monitors } from '../../../electron/supervisor/monitors/monitors.ts';
import { Utilization } from '../../../electron/supervisor/monitors/utilization.ts';
import { EventScript } from '../../support/event-script.ts';

let dir: string;
let now: number;
let gpus: GpuReading[];
let joules: number | null;
const log = vi.fn();
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'collie-monitors-'));
  [now, gpus, joules] = [1000, [], null];
  log.mockClear();
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Every process takes as many processors as its id says, holds as many GB, reads as many kB a second. */
const machine = (): Machine => ({
  seconds: () => now,
  cores: 10,
  process: (pid) => ({
    ticks: pid * 100 * now,
    rssBytes: pid * 1e9,
    disk: { inBytes: pid * 1000 * now, outBytes: 0 },
  }),
  network: () => ({ inBytes: 50 * now, outBytes: 20 * now }),
  processors: () => (joules === null ? [] : [{ key: 'rapl:0', joules, range: 1e6 }]),
  gpus: (pids) => used.of(pids),
});
let used = new RunGpus(() => gpus, undefined);
const gpu = (index: number, part: Partial<GpuReading> = {}): GpuReading => ({
  index,
  uuid: `GPU-${index}`,
  util: 0.5 + index / 10,
  memoryUsedBytes: 1e9,
  temperatureC: 60 + index,
  powerW: 100,
  energyJ: null,
  pids: [],
  ...part,
});

const make = (utilization = new Utilization(null, { dataSheet: null, gemm: null })) => {
  used = new RunGpus(() => gpus, undefined);
  return new Monitors(dir, machine(), utilization, log);
};
const path = () => join(dir, 'events/monitors.jsonl');
const lines = () => readFileSync(path(), 'utf8').trimEnd().split('\n');
const written = () => lines().map((line) => JSON.parse(line));
const metrics = () =>
  written().flatMap(({ step, payload }) => (payload.metrics ? [{ step, ...payload.metrics }] : []));

/** Steps of a second each, looked at as they come. */
function train(monitors: Monitors, script: EventScript, from: number, to: number, pids: [number, number][]) {
  for (let step = from; step <= to; step += 1) {
    now += 1;
    script.step(step, 1, { tokens: 1000, step_seconds: 0.8 });
    monitors.see(script.events.at(-1) as RunEvent);
    monitors.look(new Map(pids));
  }
}
function start(monitors: Monitors, script: EventScript, step = 0) {
  script.started({ resumed_from_step: step });
  monitors.see(script.events.at(-1) as RunEvent);
  monitors.look(new Map());
}

test('of one process there are no parts; every name is known, none judges a model', () => {
  const monitors = make(new Utilization(1e9, { dataSheet: null, gemm: 1e13 }));
  const script = new EventScript();
  start(monitors, script);
  train(monitors, script, 1, 3, [[0, 2]]);
  expect(metrics()).toEqual(
    [2, 3].map((step) => ({
      step,
      cpu_share: expect.closeTo(0.2),
      rss_bytes: 2e9,
      disk_read_bytes_per_second: expect.closeTo(2000),
      disk_write_bytes_per_second: 0,
      network_received_bytes_per_second: expect.closeTo(50),
      network_sent_bytes_per_second: expect.closeTo(20),
      // Steps alone: evaluations and pauses between them are no work.
      gemm_share: expect.closeTo(0.125),
    })),
  );
  for (const name of Object.keys(metrics()[0]).filter((one) => one !== 'step'))
    expect(machineMetrics.map((row) => row.name)).toContain(name);
  expect(machineMetrics.every(({ events }) => events.join() === 'monitor')).toBe(true);
  monitors.end();
  expect(metrics()).toHaveLength(2); // Nothing here tells of energy.
});

test('of several ranks and GPUs there is one for all and one for each', () => {
  gpus = [gpu(0, { pids: [3] }), gpu(1, { pids: [5] }), gpu(2, { pids: [99] })];
  const monitors = make();
  const script = new EventScript();
  start(monitors, script);
  train(monitors, script, 1, 2, [
    [0, 3],
    [1, 5],
  ]);
  expect(metrics()[0]).toMatchObject({
    cpu_share: expect.closeTo(0.8),
    'cpu_share/rank-0': expect.closeTo(0.3),
    'cpu_share/rank-1': expect.closeTo(0.5),
    rss_bytes: 8e9,
    'rss_bytes/rank-1': 5e9,
    gpu_util: expect.closeTo(0.55),
    'gpu_util/gpu-1': 0.6,
    gpu_memory_bytes: 2e9,
    gpu_temperature: 61,
    gpu_power_watts: 200,
  });
  expect(Object.keys(metrics()[0])).not.toContain('gpu_util/gpu-2');
  expect(metricInfo('cpu_share/rank-1')).toMatchObject({ title: 'Processor, Rank 1', chart: 'cpu' });
  expect(metricInfo('cpu_share/gpu-1').chart).toBe('other');
});

test('a GPU that tells little has no series of what it does not tell', () => {
  gpus = [gpu(0, { pids: [2], util: null, powerW: null, memoryUsedBytes: null })];
  const monitors = make();
  const script = new EventScript();
  start(monitors, script);
  train(monitors, script, 1, 2, [[0, 2]]);
  expect(Object.keys(metrics()[0]).filter((name) => name.startsWith('gpu'))).toEqual(['gpu_temperature']);
});

test('energy: counters before power, all attempts together, what was done again included', () => {
  joules = 5000;
  gpus = [gpu(0, { pids: [2], energyJ: 1e6 })];
  const script = new EventScript();
  const first = make();
  start(first, script);
  joules += 1000; // While it loads.
  train(first, script, 1, 2, [[0, 2]]);
  [joules, gpus] = [joules + 600, [gpu(0, { pids: [2], energyJ: 1e6 + 2000 })]];
  now += 5;
  first.end();
  const spent = 3600 / 3.6e6;
  expect(metrics().at(-1)).toEqual({ step: 2, energy_kwh: expect.closeTo(spent, 9) });

  const second = make();
  start(second, script, 1);
  expect(written().at(-1)).toMatchObject({ type: 'monitors_started', payload: { resumed_from_step: 1 } });
  train(second, script, 2, 3, [[0, 2]]);
  [joules] = [joules + 400];
  train(second, script, 4, 4, [[0, 2]]);
  expect(metrics().at(-1).energy_kwh).toBeCloseTo(4000 / 3.6e6, 9);
  expect(metrics().at(-1).cpu_power_watts).toBeCloseTo(400);

  const series = reduceLines(reduceEvents(emptySeries, script.events), lines());
  expect([...series.monitors.axis('step')]).toEqual([3, 4]); // Step 2 was trained again, and was the first of its attempt.
  expect(series.evals).toEqual({});
  expect(series.lastMonitorSeq).toBe(written().length - 1);
  expect(written().map(({ seq }) => seq)).toEqual(written().map((_, k) => k));
});

test('looks are close together at first and ten seconds apart later; a step that takes longer is told once', () => {
  const monitors = make();
  const script = new EventScript();
  start(monitors, script);
  train(monitors, script, 1, 400, [[0, 2]]);
  const steps = metrics().map(({ step }) => step);
  expect(steps.slice(0, 3)).toEqual([2, 3, 4]);
  expect(steps.at(-1) - steps.at(-2)).toBe(10);
  expect(steps.length).toBeLessThan(80);
  const before = metrics().length;
  for (let second = 0; second < 60; second += 1) {
    now += 1;
    monitors.look(new Map([[0, 2]]));
  }
  expect(metrics().length).toBeLessThanOrEqual(before + 1);
});

test('a torn end of the file costs nothing but itself, and no file at all costs the run nothing', () => {
  const script = new EventScript();
  const first = make();
  start(first, script);
  appendFileSync(path(), '{"v":2,"rank":0,"se');
  const second = make();
  start(second, script);
  expect(lines().filter((line) => line.endsWith('}'))).toHaveLength(2);
  rmSync(dir, { recursive: true });
  mkdirSync(dir);
  train(second, script, 1, 3, [[0, 2]]);
  expect(log).toHaveBeenCalledOnce();
  expect(log.mock.calls[0]?.[0]).toMatch(/^what is measured of the machine could not be written/);
});

test('in a container, where the driver knows other ids, the visible GPUs are meant, one for each process', () => {
  const all = [gpu(0), gpu(1), gpu(2)];
  const indices = (visible: string | undefined, ...pids: number[]) =>
    new RunGpus(() => all, visible).of(pids).map(({ index }) => index);
  expect(indices(undefined, 7)).toEqual([0]);
  expect(indices('2,0', 7)).toEqual([2]);
  expect(indices('2,0', 7, 8)).toEqual([0, 2]);
  expect(indices('GPU-1', 7)).toEqual([1]);
  expect(indices('', 7)).toEqual([]);
  const runGpus = new RunGpus(() => all, undefined);
  expect(runGpus.of([])).toEqual([]);
  runGpus.of([7]);
  expect(runGpus.of([])).toEqual([all[0]]);
});
