import { describe, expect, it } from 'vitest';
import {
  defaultChartSettings,
  loadChartSettings,
  saveChartSettings,
} from '../../../renderer/src/charts/chart-settings.ts';
import {
  elapsedSeconds,
  formatBytes,
  formatCount,
  formatCountTick,
  formatDuration,
  formatEta,
  formatPercent,
  formatValue,
  formatWhen,
} from '../../../renderer/src/charts/format.ts';

describe('formatDuration', () => {
  it.each([
    [0, '0 s'],
    [0.25, '250 ms'],
    [59.4, '59 s'],
    [59.6, '1 min 00 s'],
    [185, '3 min 05 s'],
    [3600, '1 h 00 min'],
    [7199, '2 h 00 min'],
    [86_399, '1 d 0 h'],
    [2 * 86_400 + 3 * 3600, '2 d 3 h'],
    [null, '–'],
    [Number.NaN, '–'],
  ])('%s -> %s', (seconds, text) => expect(formatDuration(seconds)).toBe(text));
});

describe('formatEta', () => {
  it.each([
    [2, 'a few seconds'],
    [42, 'about 45 s'],
    [90, 'about 2 min'],
    [3600, 'about 1 h'],
    [5400, 'about 1.5 h'],
    [2.5 * 86_400, 'about 2.5 d'],
    [null, '–'],
  ])('%s -> %s', (seconds, text) => expect(formatEta(seconds)).toBe(text));
});

describe('numbers', () => {
  it.each([
    [2.13456, '2.135'],
    [0.0002, '2e-4'],
    [0.000123, '1.23e-4'],
    [12_345.6, '12,346'],
    [0, '0'],
    [-1.5, '-1.5'],
    [2e7, '2e7'],
    [undefined, '–'],
  ])('value %s -> %s', (value, text) => expect(formatValue(value)).toBe(text));
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1536, '1.5 KiB'],
    [1024 ** 3, '1.0 GiB'],
    [1024 ** 2 - 1, '1.0 MiB'],
    [null, '–'],
  ])('bytes %s -> %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
  it('counts and shares', () => {
    expect(formatCount(134_515_008)).toBe('134.5M');
    expect([0, 250, 1000, 1250, 1500, 12_500].map(formatCountTick)).toEqual([
      '0',
      '250',
      '1K',
      '1.25K',
      '1.5K',
      '12.5K',
    ]);
    expect(formatPercent(0.034)).toBe('3.4%');
    expect(formatPercent(0.5)).toBe('50%');
    expect(formatPercent(0)).toBe('0%');
  });
});

describe('moments', () => {
  const now = new Date('2026-03-05T12:00:00');
  it('leaves out what is obvious', () => {
    expect(formatWhen('2026-03-05T09:30:00', now)).toMatch(/^today /);
    expect(formatWhen('2026-03-01T09:30:00', now)).not.toContain('2026');
    expect(formatWhen('2024-03-01T09:30:00', now)).toContain('2024');
    expect(formatWhen('nonsense', now)).toBe('–');
  });
  it('elapsed runs until the end, or until now', () => {
    expect(elapsedSeconds('2026-01-01T00:00:00Z', '2026-01-01T00:01:00Z')).toBe(60);
    expect(elapsedSeconds('2026-01-01T00:00:00Z', null, Date.parse('2026-01-01T00:00:05Z'))).toBe(5);
    expect(elapsedSeconds(null, null)).toBeNull();
  });
});

describe('chart settings', () => {
  it('survive a round trip, and nonsense is ignored', () => {
    let saved = '';
    const storage = {
      getItem: () => saved,
      setItem: (_: string, value: string) => {
        saved = value;
      },
    };
    saveChartSettings(storage, { x: 'tokens', smoothing: 0.9, scale: 'log', clip: 'percentile' });
    expect(loadChartSettings(storage)).toEqual({
      x: 'tokens',
      smoothing: 0.9,
      scale: 'log',
      clip: 'percentile',
    });
    saved = '{"x":"pigs","smoothing":7,"scale":null}';
    expect(loadChartSettings(storage)).toEqual(defaultChartSettings);
    saved = 'not json';
    expect(loadChartSettings(storage)).toEqual(defaultChartSettings);
    expect(loadChartSettings(undefined)).toEqual(defaultChartSettings);
  });
});
