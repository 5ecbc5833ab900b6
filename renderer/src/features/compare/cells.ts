/** How values of a comparison are written. Pure. */
import type { ResultCell } from '../../../../electron/shared/runs/comparison.ts';
import type { MetricUnit } from '../../../../electron/shared/runs/metrics.ts';
import { formatDuration, formatMetric } from '../../charts/format.ts';

const asUnit = (unit: string) => ({ unit: unit as MetricUnit });

/** Long times in hours and minutes; all else by the unit of the metric. */
export function writtenValue(unit: string, value: number): string {
  if (unit === 'seconds' && Math.abs(value) >= 60)
    return (value < 0 ? '−' : '') + formatDuration(Math.abs(value));
  if (unit === 'seconds' && value !== 0 && Math.abs(value) < 1) {
    const ms = Number((value * 1000).toPrecision(3));
    return Math.abs(ms) < 0.1 ? '< 0.1 ms' : `${String(ms).replace(/^-/, '−')} ms`;
  }
  return formatMetric(asUnit(unit), value).replace(/^-/, '−');
}

export interface WrittenCell {
  value: string;
  /** "± 0.01 (3)"; empty for one run. */
  spread: string;
  /** "−0.12 better"; empty for the baseline. */
  delta: string;
  better: boolean | null;
}

export function writtenCell(unit: string, cell: ResultCell): WrittenCell {
  const delta =
    cell.delta === null
      ? ''
      : cell.delta === 0
        ? 'the same'
        : `${cell.delta > 0 ? '+' : ''}${writtenValue(unit, cell.delta)}${cell.better === null ? '' : cell.better ? ' better' : ' worse'}`;
  return {
    value: writtenValue(unit, cell.mean),
    spread: cell.sd === null ? '' : `± ${writtenValue(unit, cell.sd)} (${cell.n})`,
    delta,
    better: cell.better,
  };
}
