import { describe, expect, it } from 'vitest';
import { nearestIndex } from '../../../electron/shared/runs/points.ts';
import {
  type ChartLine,
  type ChartWish,
  chartFrame,
  describeChart,
  drawnLines,
  valueNear,
} from '../../../renderer/src/charts/chart-model.ts';
import { minMaxIndices } from '../../../renderer/src/charts/downsample.ts';
import { byteTicks, percentile, ticks, timeTicks, yDomain } from '../../../renderer/src/charts/scale.ts';
import { smooth, weightFor } from '../../../renderer/src/charts/smooth.ts';

const range = (n: number, f: (i: number) => number) => Float64Array.from({ length: n }, (_, i) => f(i));

describe('smooth', () => {
  it('is the plain mean of what was seen, weighted to the present, without the pull to zero', () => {
    const out = smooth([4, 2], 0.5);
    expect(out[0]).toBe(4);
    // (0.5 * 0.5 * 4 + 0.5 * 2) / (1 - 0.25)
    expect(out[1]).toBeCloseTo(8 / 3, 12);
  });
  it('leaves a constant line as it is, from the first point on', () => {
    for (const value of smooth(
      range(1000, () => 3),
      0.99,
    ))
      expect(value).toBeCloseTo(3, 9);
  });
  it('weight 0 changes nothing; NaN does not spread', () => {
    expect(Array.from(smooth([1, 5], 0))).toEqual([1, 5]);
    const out = smooth([2, Number.NaN, 2], 0.9);
    expect(out[1]).toBeNaN();
    expect(out[2]).toBeCloseTo(2, 12);
  });
});

describe('weightFor', () => {
  it('is the smoothing itself for short lines, and looks back further the longer the line is', () => {
    expect(weightFor(0.6, 1000)).toBeCloseTo(0.6, 12);
    // 1 / (1 - weight) points: 2.5 of a thousand, 250 of a hundred thousand.
    expect(1 / (1 - weightFor(0.6, 100_000))).toBeCloseTo(250, 6);
    expect(weightFor(0, 100_000)).toBe(0);
  });
});

describe('minMaxIndices', () => {
  it('keeps every point of a short line', () => {
    expect(
      minMaxIndices(
        range(5, (i) => i),
        range(5, (i) => i),
        10,
      ),
    ).toEqual([0, 1, 2, 3, 4]);
  });
  it('keeps both spikes of 100,000 points, the ends, and rises', () => {
    const x = range(100_000, (i) => i + 1);
    const y = range(100_000, (i) => Math.sin(i / 1000));
    y[33_333] = 50;
    y[66_666] = -50;
    const start = performance.now();
    const picked = minMaxIndices(x, y, 800);
    expect(performance.now() - start).toBeLessThan(500);
    expect(picked.length).toBeLessThanOrEqual(1602);
    expect(picked).toContain(33_333);
    expect(picked).toContain(66_666);
    expect(picked[0]).toBe(0);
    expect(picked.at(-1)).toBe(99_999);
    expect(picked.every((v, i) => i === 0 || v > (picked[i - 1] as number))).toBe(true);
  });
  it('leaves out what is not finite and honours the visible part', () => {
    const y = range(100, (i) => (i % 2 ? Number.NaN : i));
    const picked = minMaxIndices(
      range(100, (i) => i),
      y,
      5,
      10,
      60,
    );
    expect(picked.every((i) => i >= 10 && i < 60 && i % 2 === 0)).toBe(true);
  });
});

describe('axes', () => {
  it('percentile interpolates', () => {
    expect(percentile([1, 2, 3, 4], 0.5)).toBe(2.5);
    expect(percentile([], 0.5)).toBeNaN();
  });
  it('clipping leaves an outlier out of the range, showing all does not', () => {
    const y = range(1000, (i) => 2 + (i % 10) / 10);
    y[500] = 1e6;
    expect(yDomain([y], { scale: 'linear', clip: 'percentile' })?.[1]).toBeLessThan(4);
    expect(yDomain([y], { scale: 'linear', clip: 'all' })?.[1]).toBeGreaterThan(1e6);
  });
  it('a log axis ignores zero and below, and is none without a positive value', () => {
    const domain = yDomain([[0, -1, 0.01, 10]], { scale: 'log', clip: 'all' });
    expect(domain?.[0]).toBeGreaterThan(0.005);
    expect(yDomain([[0, -1]], { scale: 'log', clip: 'all' })).toBeNull();
    expect(ticks([0.01, 100], 'log')).toEqual([0.01, 0.1, 1, 10, 100]);
  });
  it('ticks are round and inside', () => {
    expect(ticks([0, 10], 'linear')).toEqual([0, 2, 4, 6, 8, 10]);
    expect(ticks([0.1, 0.32], 'linear')).toEqual([0.1, 0.15, 0.2, 0.25, 0.3]);
    expect(ticks([2, 2], 'linear')).toEqual([2]);
    expect(timeTicks([0, 3000], 5)).toEqual([0, 600, 1200, 1800, 2400, 3000]);
    expect(byteTicks([0, 1.3 * 1024 ** 3])).toEqual([0, 0.5, 1].map((gib) => gib * 1024 ** 3));
    expect(timeTicks([0, 1], 4)).toEqual([0, 0.25, 0.5, 0.75, 1]);
  });
  it('a constant that rounding moved by the last bit is flat, and its marks come to an end', () => {
    const averaged = smooth(
      range(50, () => 1.5),
      0.6,
    );
    expect(new Set(averaged).size).toBeGreaterThan(1);
    const domain = yDomain([averaged], { scale: 'linear', clip: 'all' });
    expect((domain?.[1] ?? 0) - (domain?.[0] ?? 0)).toBeGreaterThan(0.1);
    expect(ticks([1.4999999999999998, 1.5], 'linear')).toHaveLength(1);
    expect(ticks([1.4999999999999998, 1.5], 'log')).toHaveLength(1);
  });
  it('a flat line gets room above and below', () => {
    const domain = yDomain([[2, 2, 2]], { scale: 'linear', clip: 'all' });
    expect(domain?.[0]).toBeLessThan(2);
    expect(domain?.[1]).toBeGreaterThan(2);
  });
});

const wish: ChartWish = {
  scale: 'linear',
  clip: 'all',
  smoothing: 0.5,
  window: null,
  pixels: 400,
  xKind: 'count',
  yKind: 'plain',
};
const train: ChartLine = {
  key: 'loss',
  label: 'Training',
  color: 'red',
  x: range(10_000, (i) => i + 1),
  y: range(10_000, (i) => 3 + Math.cos(i)),
  style: 'smoothed',
};
const evaluation: ChartLine = {
  key: 'eval',
  label: 'Evaluation',
  color: 'blue',
  x: Float64Array.of(0, 5000, 10_000),
  y: Float64Array.of(5, 4, 3.5),
  style: 'dots',
};

describe('what is drawn', () => {
  const one = (lines: ChartLine[], more: Partial<ChartWish> = {}) => {
    const frame = chartFrame(lines, { ...wish, ...more });
    const drawn = drawnLines(lines, frame?.xDomain ?? [0, 1], { ...wish, ...more });
    return { frame, first: drawn[0], drawn };
  };
  it('each line has its own points, about one a pixel, with their exact values', () => {
    const { frame, drawn } = one([train, evaluation]);
    expect(frame?.xDomain).toEqual([0, 10_000]);
    const [loss, evaluated] = drawn;
    expect(loss?.measured.x.length).toBeLessThan(450);
    for (const [i, x] of (loss?.measured.x ?? []).entries()) expect(loss?.measured.y[i]).toBe(train.y[x - 1]);
    expect(evaluated).toMatchObject({ measured: { x: [0, 5000, 10_000], y: [5, 4, 3.5] }, average: null });
  });
  it('the average has even samples of its own, and the noise of its places is not in it', () => {
    const noisy = { ...train, y: range(10_000, (i) => 3 + (i % 2 === 0 ? 1 : -1)) };
    const { first } = one([noisy], { smoothing: 0.9 });
    const { x, y } = first?.average ?? { x: [], y: [] };
    expect(new Set(x.slice(1, -1).map((at, i) => at - (x[i] ?? 0))).size).toBe(1);
    expect(x.at(-1)).toBe(10_000);
    for (const value of y.slice(10)) expect(Math.abs(value - 3)).toBeLessThan(0.05);
  });
  it('a window shows more detail of less, with the same values and the same average', () => {
    const part = one([train], { window: [100, 200] });
    expect(part.frame?.xDomain).toEqual([100, 200]);
    const { measured, average } = part.first ?? { measured: { x: [] }, average: null };
    expect(measured.x.filter((x) => x >= 100 && x <= 200)).toHaveLength(101);
    const whole = smooth(train.y, weightFor(wish.smoothing, train.y.length));
    expect(average?.y[5]).toBe(whole[(average?.x[5] ?? 0) - 1]);
  });
  it('a single evaluation has a place, whoever says how wide the chart is', () => {
    const alone = { ...evaluation, x: Float64Array.of(3), y: Float64Array.of(5) };
    for (const window of [null, [3, 3]] as const)
      expect(one([alone], { window }).frame?.xDomain).toEqual([2.5, 3.5]);
  });
  it('axes do not depend on the smoothing', () => {
    expect(one([train], { smoothing: 0.99 }).frame).toEqual(one([train], { smoothing: 0 }).frame);
  });
  it('a log axis has no place for zero', () => {
    const { first } = one([{ ...evaluation, y: Float64Array.of(5, 0, 3.5) }], { scale: 'log' });
    expect(first?.measured.x).toEqual([0, 10_000]);
  });
  it('has nothing to draw without points', () => {
    expect(one([{ ...train, x: new Float64Array(), y: new Float64Array() }]).frame).toBeNull();
  });
  it('finds exact values under the cursor from the full data', () => {
    expect(valueNear(train, 1234.4)).toEqual({ x: 1234, y: train.y[1233] });
    expect(valueNear(evaluation, 1e9)).toEqual({ x: 10_000, y: 3.5 });
    expect(nearestIndex([], 3)).toBe(-1);
  });
  it('says in words what is drawn', () => {
    expect(describeChart('Loss', [evaluation], String)).toBe(
      'Loss. Evaluation: last 3.5, lowest 3.5, highest 5, 3 points.',
    );
    expect(describeChart('Loss', [{ ...evaluation, y: new Float64Array() }], String)).toContain(
      'no values yet',
    );
    const many = Array.from({ length: 192 }, () => evaluation);
    const words = describeChart('Loss', many, String);
    expect(words.split('Evaluation:')).toHaveLength(9);
    expect(words).toMatch(/ And 184 more lines; the table has them all\.$/);
  });
});
