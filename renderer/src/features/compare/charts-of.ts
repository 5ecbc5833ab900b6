/** Which charts a comparison has, the most telling first. Pure. */
import { type ComparisonReport, STEPS_SOURCE } from '../../../../electron/shared/runs/comparison.ts';
import { metricInfo, metrics } from '../../../../electron/shared/runs/metrics.ts';
import type { ChartChoice } from './CompareChart.tsx';

export const choiceKey = ({ source, metric }: Pick<ChartChoice, 'source' | 'metric'>) =>
  `${source}/${metric}`;

/** Every metric that some run has, evaluated ones first, then in the order of the registry. */
export function chartChoices({ results }: Pick<ComparisonReport, 'results'>): ChartChoice[] {
  const rank = ({ source, metric }: ChartChoice) => {
    const place = metrics.findIndex(({ name }) => name === metric);
    return (source === STEPS_SOURCE ? 1000 : 0) + (place < 0 ? 500 : place);
  };
  return results
    .filter(({ source }) => source !== 'cost')
    .map(({ metric, source, title }) => ({ metric, source, title }))
    .sort((a, b) => rank(a) - rank(b));
}

/** Drawn until others are chosen: those that a run's own page has. */
export function defaultCharts(choices: readonly ChartChoice[]): string[] {
  return choices.filter(({ metric }) => metricInfo(metric).chart !== null).map(choiceKey);
}
