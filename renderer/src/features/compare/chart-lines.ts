/** Curves of a comparison as lines of a chart. Pure. */
import type { Curves } from '../../../../electron/shared/runs/comparison.ts';
import type { Metric } from '../../../../electron/shared/runs/metrics.ts';
import type { ChartLine } from '../../charts/chart-model.ts';
import type { LookedGroup } from './compared.ts';

type Numbers = readonly (number | null)[];
type GroupCurve = Curves['groups'][number];

const columnOf = (values: Numbers): Float64Array => Float64Array.from(values, (value) => value ?? Number.NaN);

/** The places where a mean is. */
function known(x: readonly number[], y: Numbers): { x: Float64Array; y: Float64Array; rows: number[] } {
  const rows = y.flatMap((value, k) => (value === null ? [] : [k]));
  return {
    x: Float64Array.from(rows, (k) => x[k] as number),
    y: Float64Array.from(rows, (k) => y[k] as number),
    rows,
  };
}

export interface LineWish {
  metric: Metric;
  /** An evaluated set: few points, each marked. */
  evaluated: boolean;
  /** The runs of groups of several, too. */
  every: boolean;
}

/** Of one run, what it measured; of several, their mean with its interval. */
export function comparedLines(
  curves: Curves,
  groups: readonly LookedGroup[],
  { metric, evaluated, every }: LineWish,
): ChartLine[] {
  const runs = new Map(curves.runs.map((run) => [run.id, run]));
  return groups.flatMap((group): ChartLine[] => {
    const curve = curves.groups.find(({ key }) => key === group.key);
    if (!curve) return [];
    const mean = known(curves.x, curve.mean);
    const style = evaluated ? 'dots' : metric.noisy ? 'smoothed' : 'plain';
    const common = { key: group.key, label: labelOf(group, curve), ...group.look, nearest: true };
    const own = group.runs.flatMap((id) => runs.get(id) ?? []);
    if (curve.n === 1 && own[0]) {
      const [run] = own;
      return [{ ...common, style, x: Float64Array.from(run.x), y: columnOf(run.y), even: mean }];
    }
    const faint = every
      ? own.map((run) => ({
          ...group.look,
          key: run.id,
          label: run.id,
          color: `color-mix(in srgb, ${group.look.color} 35%, transparent)`,
          style: 'plain' as const,
          nearest: true,
          x: Float64Array.from(run.x),
          y: columnOf(run.y),
        }))
      : [];
    const band =
      curve.low && curve.high
        ? { band: { x: Float64Array.from(curves.x), low: columnOf(curve.low), high: columnOf(curve.high) } }
        : {};
    // A mean is not averaged once more: smoothing is for what one run measured.
    return [...faint, { ...common, style: evaluated ? 'dots' : 'plain', x: mean.x, y: mean.y, ...band }];
  });
}

/** Each group less the baseline, where both have a value. */
export function differenceLines(
  curves: Curves,
  groups: readonly LookedGroup[],
  baseline: string,
  { metric, evaluated }: LineWish,
): ChartLine[] {
  const base = curves.groups.find(({ key }) => key === baseline);
  if (!base) return [];
  return groups.flatMap((group): ChartLine[] => {
    const curve = curves.groups.find(({ key }) => key === group.key);
    if (!curve || group.key === baseline) return [];
    const less = curve.mean.map((value, k) => {
      const from = base.mean[k];
      return value === null || from === null || from === undefined ? null : value - from;
    });
    const { x, y } = known(curves.x, less);
    const style = evaluated ? 'dots' : metric.noisy ? 'smoothed' : 'plain';
    return [{ key: group.key, label: labelOf(group, curve), ...group.look, style, nearest: true, x, y }];
  });
}

const labelOf = (group: LookedGroup, { n }: GroupCurve) =>
  n > 1 ? `${group.title} (n = ${n})` : group.title;
