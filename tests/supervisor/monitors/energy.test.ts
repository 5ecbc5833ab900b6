import { expect, test } from 'vitest';
import { EnergyMeter } from '../../../electron/supervisor/monitors/energy.ts';

const counter = (joules: number | null, range: number | null = null) => ({
  key: 'a',
  joules,
  range,
  watts: null,
});
const power = (watts: number | null) => ({ key: 'b', joules: null, range: null, watts });
const joulesOf = (meter: EnergyMeter) => (meter.kwh ?? Number.NaN) * 3.6e6;

test('nothing that tells is no energy, and not 0', () => {
  const meter = new EnergyMeter(null);
  meter.add(0, []);
  meter.add(1, [power(null)]);
  expect(meter.kwh).toBeNull();
});

test('counters count by what they went up, also where they begin again', () => {
  const meter = new EnergyMeter(null);
  for (const [second, joules] of [100, 150, 990, 40].entries()) meter.add(second, [counter(joules, 1000)]);
  expect(joulesOf(meter)).toBeCloseTo(50 + 840 + 50);
  // One without a range began anew with its driver: what it had then is not known.
  const other = new EnergyMeter(null);
  for (const [second, joules] of [100, 150, 30, 45].entries()) other.add(second, [counter(joules)]);
  expect(joulesOf(other)).toBeCloseTo(50 + 15);
});

test('power counts over the time between two looks; silence counts nothing', () => {
  const meter = new EnergyMeter(null);
  meter.add(10, [power(100)]);
  meter.add(12, [power(200)]);
  expect(joulesOf(meter)).toBeCloseTo(300);
  meter.add(20, [power(null)]);
  meter.add(30, [power(100)]);
  expect(joulesOf(meter)).toBeCloseTo(300);
  meter.add(31, [power(100), counter(5)]);
  expect(joulesOf(meter)).toBeCloseTo(400);
});

test('goes on from what was spent before', () => {
  const meter = new EnergyMeter(0.5);
  expect(meter.kwh).toBe(0.5);
  meter.add(0, [power(3600)]);
  meter.add(1000, [power(3600)]);
  expect(meter.kwh).toBeCloseTo(1.5);
});
