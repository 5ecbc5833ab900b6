/** Numbers, sizes, times and dates as people read them. Pure. */

export { formatBytes, formatCount, formatDuration, formatEta, formatPercent } from '../charts/format.ts';

const integers = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });
/** 1234567 -> "1,234,567". */
export const formatInteger = (count: number): string => integers.format(count);

/** A hyperparameter: 0.0002 -> "2e-4", 0.05 -> "0.05". */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size < 1e-3 || size >= 1e6) return trimMantissa(value.toExponential(3));
  return String(Number(value.toPrecision(6)));
}

/** A share of a whole, however small: 0.000092 -> "0.0092%", 0.0351 -> "3.5%". */
export const formatShare = (share: number): string =>
  `${Number((share * 100).toPrecision(share >= 0.1 ? 3 : 2))}%`;

const trimMantissa = (text: string) => text.replace(/\.?0+e/, 'e').replace('e+', 'e');

const dateTime = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' });
/** ISO text -> "23 Nov 2026, 14:05" in the user's own manner; the text itself when it is no date. */
export function formatDate(iso: string): string {
  const date = new Date(iso);
  return Number.isNaN(date.getTime()) ? iso : dateTime.format(date);
}

const relative = new Intl.RelativeTimeFormat('en', { numeric: 'auto' });
/** "5 minutes ago". */
export function formatAgo(iso: string, nowMs = Date.now()): string {
  const time = new Date(iso).getTime();
  if (Number.isNaN(time)) return iso;
  const seconds = Math.round((time - nowMs) / 1000);
  const steps: readonly [number, Intl.RelativeTimeFormatUnit][] = [
    [60, 'second'],
    [3600, 'minute'],
    [86_400, 'hour'],
    [86_400 * 30, 'day'],
    [86_400 * 365, 'month'],
    [Number.POSITIVE_INFINITY, 'year'],
  ];
  let divisor = 1;
  for (const [limit, unit] of steps) {
    if (Math.abs(seconds) < limit) {
      if (unit === 'second' && Math.abs(seconds) < 45) return 'just now';
      return relative.format(Math.round(seconds / divisor), unit);
    }
    divisor = limit;
  }
  return iso;
}

/** "1 row", "2 rows". */
export const plural = (count: number, one: string, many = `${one}s`): string =>
  `${formatInteger(count)} ${count === 1 ? one : many}`;
