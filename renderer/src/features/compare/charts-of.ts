/** Which charts a comparison has, the most telling first. Pure. */
import {
  type ComparisonReport,
  MACHINE_SOURCE,
  STEPS_SOURCE,
} from '../../../../electron/shared/runs/comparison.ts';
import { metricInfo, metrics } from '../../../../electron/shared/runs/metrics.ts';
import type { ChartChoice } from './CompareChart.tsx';

export const choiceKey = ({ source, metric }: Pick<ChartChoice, 'source' | 'metric'>) =>
  `${source}/${metric}`;

const places: Partial<Record<string, number>> = { [STEPS_SOURCE]: 1000, [MACHINE_SOURCE]: 2000 };

/** Every metric that some run has, evaluated ones first and those of the machine last, then in the order of the registry. */
export function chartChoices({ results }: Pick<ComparisonReport, 'results'>): ChartChoice[] {
  const rank = ({ source, metric }: ChartChoice) => {
    const place = metrics.findIndex(({ name }) => name === metric);
    return (places[source] ?? 0) + (place < 0 ? 500 : place);
  };
  return results
    .filter(({ source }) => source !== 'cost')
    .map(({ metric, source, title }) => ({ metric, source, title }))
    .sort((a, b) => rank(a) - rank(b));
}

/** Drawn until others are chosen: those that a run's own page has of its training. */
export function defaultCharts(choices: readonly ChartChoice[]): string[] {
  return choices
    .filter(({ source, metric }) => source !== MACHINE_SOURCE && metricInfo(metric).chart !== null)
    .map(choiceKey);
}
