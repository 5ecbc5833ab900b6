/** Numbers as people read them. Pure; a missing value is shown as an en dash. */
import type { Metric } from '../../../electron/shared/runs/metrics.ts';

const MISSING = '–';
const missing = (value: number | null | undefined): value is null | undefined =>
  value === null || value === undefined || !Number.isFinite(value);

/** "42 s", "3 min 05 s", "1 h 07 min", "2 d 3 h". */
export function formatDuration(seconds: number | null | undefined): string {
  if (missing(seconds)) return MISSING;
  if (seconds > 0 && seconds < 1) return `${Math.max(1, Math.round(seconds * 1000))} ms`;
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole} s`;
  const two = (n: number) => String(n).padStart(2, '0');
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${two(whole % 60)} s`;
  // Round to minutes first, so that 1 h 59 min 40 s reads 2 h 00 min.
  const minutes = Math.round(whole / 60);
  if (minutes < 24 * 60) return `${Math.floor(minutes / 60)} h ${two(minutes % 60)} min`;
  const hours = Math.round(whole / 3600);
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

/** A mark on a time axis, in one unit: "30 s", "5 min", "1.5 h", "2 d". */
export function formatTimeTick(seconds: number): string {
  const [unit, size] =
    seconds < 120 ? ['s', 1] : seconds < 7200 ? ['min', 60] : seconds < 172_800 ? ['h', 3600] : ['d', 86_400];
  return `${Number((seconds / (size as number)).toFixed(1))} ${unit}`;
}

/** Time left, coarser than a duration because it is a guess: "about 3 min". */
export function formatEta(seconds: number | null | undefined): string {
  if (missing(seconds)) return MISSING;
  if (seconds < 5) return 'a few seconds';
  if (seconds < 60) return `about ${Math.ceil(seconds / 5) * 5} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `about ${minutes} min`;
  const hours = Math.round(minutes / 6) / 10;
  if (hours < 24) return `about ${hours} h`;
  return `about ${Math.round(hours / 2.4) / 10} d`;
}

/** Powers of 1024: "1.5 GiB". */
export function formatBytes(bytes: number | null | undefined): string {
  if (missing(bytes)) return MISSING;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let value = bytes;
  let unit = 0;
  while (Math.abs(value) >= 1023.95 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(value >= 100 ? 0 : 1)} ${units[unit]}`;
}

/** Four significant digits; very small and very large ones with an exponent. */
export function formatValue(value: number | null | undefined): string {
  if (missing(value)) return MISSING;
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e7) return trimExponent(value.toExponential(2));
  if (size >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(Number(value.toPrecision(4)));
}

const trimExponent = (text: string) => text.replace(/\.?0+e/, 'e').replace('e+', 'e');

const compact = new Intl.NumberFormat('en-US', { notation: 'compact', maximumFractionDigits: 1 });

const compactTick = new Intl.NumberFormat('en-US', { notation: 'compact', maximumSignificantDigits: 4 });

/** Of an axis, whose marks are round: 1250 is "1.25K", not "1.3K". */
export const formatCountTick = (value: number): string => compactTick.format(value);

/** "950", "1.2K", "34.5M". */
export function formatCount(value: number | null | undefined): string {
  if (missing(value)) return MISSING;
  return compact.format(value);
}

export function formatPercent(share: number | null | undefined): string {
  if (missing(share)) return MISSING;
  return `${(share * 100).toFixed(share >= 0.0995 || share === 0 ? 0 : 1)}%`;
}

/** A value of a metric, with its unit. */
export function formatMetric({ unit }: Pick<Metric, 'unit'>, value: number | null | undefined): string {
  if (missing(value)) return MISSING;
  if (unit === 'bytes') return formatBytes(value);
  if (unit === 'share') return formatPercent(value);
  if (unit === 'bytes/s') return `${formatBytes(value)}/s`;
  const sign = signs[unit];
  return sign === undefined ? formatValue(value) : `${formatValue(value)} ${sign}`;
}

const signs: Partial<Record<Metric['unit'], string>> = { seconds: 's', W: 'W', kWh: 'kWh', '°C': '°C' };

/** The same as a mark on an axis, where it should be short. */
export const formatMetricTick = (metric: Pick<Metric, 'unit'>, value: number): string =>
  metric.unit === 'tokens' || metric.unit === 'tokens/s' ? formatCount(value) : formatMetric(metric, value);

// Making a formatter costs more than a thousand uses of it.
const timeOfDay = new Intl.DateTimeFormat([], { hour: '2-digit', minute: '2-digit' });
const dayOfYear = new Intl.DateTimeFormat([], { day: 'numeric', month: 'short' });
const dayOfAnyYear = new Intl.DateTimeFormat([], { day: 'numeric', month: 'short', year: 'numeric' });

/** A date and time in the reader's own zone; today only the time. */
export function formatWhen(iso: string | null | undefined, now = new Date()): string {
  if (!iso) return MISSING;
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return MISSING;
  const time = timeOfDay.format(date);
  if (date.toDateString() === now.toDateString()) return `today ${time}`;
  const sameYear = date.getFullYear() === now.getFullYear();
  return `${(sameYear ? dayOfYear : dayOfAnyYear).format(date)}, ${time}`;
}

/** Seconds between two moments; `end` null means until `now`. Null when it never began. */
export function elapsedSeconds(
  start: string | null | undefined,
  end: string | null | undefined,
  now = Date.now(),
): number | null {
  if (!start) return null;
  const from = Date.parse(start);
  const to = end ? Date.parse(end) : now;
  return Number.isNaN(from) || Number.isNaN(to) ? null : Math.max(0, (to - from) / 1000);
}
