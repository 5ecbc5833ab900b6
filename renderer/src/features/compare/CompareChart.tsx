/** One metric of all groups: over any axis, or as the difference to the baseline. Zoomed, it asks for what lies in the window. */
import { useMemo } from 'react';
import { STEPS_SOURCE } from '../../../../electron/shared/runs/comparison.ts';
import { metricInfo } from '../../../../electron/shared/runs/metrics.ts';
import { useChartGroup } from '../../charts/ChartGroup.tsx';
import type { ChartSettings } from '../../charts/chart-settings.ts';
import { MetricChart } from '../../charts/MetricChart.tsx';
import { ErrorView } from '../../components/ErrorView.tsx';
import { unitFormats, xFormats } from '../monitor/run-charts.ts';
import { comparedLines, differenceLines } from './chart-lines.ts';
import type { Compared } from './compared.ts';
import { curvesQuestion } from './questions.ts';
import { useAnswer } from './use-answer.ts';

export interface ChartChoice {
  metric: string;
  source: string;
  title: string;
}

interface Props {
  compared: Compared;
  choice: ChartChoice;
  settings: ChartSettings;
  /** Groups less the baseline. */
  difference: boolean;
  /** The runs of groups of several, too. */
  every: boolean;
  height?: number;
}

/** Lines whose names have room beside the title. */
const LEGEND = 8;

export function CompareChart({ compared, choice, settings, difference, every, height = 280 }: Props) {
  const { view, groups, baseline, stamp } = compared;
  const { window } = useChartGroup();
  const { metric: name, source } = choice;
  const curves = useAnswer('compare.curves', curvesQuestion(view, choice, settings.x, window), stamp);
  const metric = metricInfo(name);
  const lines = useMemo(() => {
    if (!curves.data) return [];
    const wish = { metric: metricInfo(name), evaluated: source !== STEPS_SOURCE, every };
    return difference && baseline
      ? differenceLines(curves.data, groups, baseline.key, wish)
      : comparedLines(curves.data, groups, wish);
  }, [curves.data, groups, baseline, name, source, difference, every]);
  const x = xFormats[settings.x];
  const format = unitFormats(metric.unit);
  const several = curves.data?.groups.some(({ n }) => n > 1);
  const alone = curves.data?.groups.some(({ n }) => n === 1);
  if (curves.error)
    return (
      <ErrorView info={curves.error} title={`${choice.title} could not be read`} onRetry={curves.again} />
    );
  return (
    <div aria-busy={curves.waiting || undefined} data-chart={`${source}/${name}`}>
      <MetricChart
        title={difference ? `${choice.title}, difference to the baseline` : choice.title}
        lines={lines}
        xLabel={x.label}
        formatX={x.exact}
        formatXTick={x.tick}
        formatY={format.exact}
        formatTick={format.tick}
        yKind={metric.unit.startsWith('bytes') ? 'bytes' : 'plain'}
        settings={settings}
        values={metric.scale === 'log' && !difference ? 'positive' : 'any'}
        zero={metric.scale === 'zero' || difference}
        extent={curves.data?.extent ?? null}
        legend={lines.length <= LEGEND}
        height={height}
        emptyText={curves.data ? 'No run has a value here' : 'Reading the runs'}
        note={several ? `Mean with its 95 % interval${alone ? '; one run alone has none' : ''}` : ''}
      />
    </div>
  );
}
