/** What the page of a comparison asks the host first, in one place: asked ahead and asked when it is drawn, it has to be the same. Pure. */
import type { MethodParams } from '../../../../electron/shared/api/api.ts';
import type { ComparisonView } from '../../../../electron/shared/runs/comparison.ts';
import type { Axis } from '../../../../electron/shared/runs/points.ts';
import type { XWindow } from '../../charts/ChartGroup.tsx';
import type { ChartChoice } from './CompareChart.tsx';

/** Settings are there at once; results, which mean reading every run, follow. */
export const reportQuestion = (view: ComparisonView, results: boolean): MethodParams<'compare.report'> => ({
  view,
  results,
});

/** Points that all lines of a chart have together: more cannot be seen, and cost time to move. */
const MOST_POINTS = 24_000;

export function curvesQuestion(
  view: ComparisonView,
  { metric, source }: Pick<ChartChoice, 'metric' | 'source'>,
  axis: Axis,
  window: XWindow,
): MethodParams<'compare.curves'> {
  const most = Math.max(64, Math.min(1600, Math.round(MOST_POINTS / Math.max(1, view.runs.length))));
  return { view, metric, source, axis, most, window: window === null ? null : [window[0], window[1]] };
}
