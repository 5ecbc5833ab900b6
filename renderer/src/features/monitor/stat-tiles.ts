/** The numbers above the charts. Pure. */

import { DEFAULT_SET } from '../../../../electron/shared/runs/event-line.ts';
import type { RunStatus } from '../../../../electron/shared/runs/events.ts';
import { metricInfo } from '../../../../electron/shared/runs/metrics.ts';
import { noPoints, type Points } from '../../../../electron/shared/runs/points.ts';
import type { RunSeries } from '../../../../electron/shared/runs/series.ts';
import { summarize } from '../../charts/chart-model.ts';
import { formatBytes, formatCount, formatPercent, formatValue } from '../../charts/format.ts';

export interface Tile {
  label: string;
  value: string;
  note: string;
  help: string;
}

export function statTiles(status: RunStatus, series: RunSeries): Tile[] {
  const { steps } = series;
  const evals = series.evals[DEFAULT_SET] ?? noPoints;
  const last = steps.length - 1;
  const loss = summarize(steps.metric('loss'));
  const speed = summarize(steps.metric('tokens_per_second'));
  const best = bestEval(evals);
  const lastEval = evals.at('loss', evals.length - 1);
  return [
    {
      label: 'Training loss',
      value: formatValue(loss.count > 0 ? loss.last : status.lastLoss),
      note: loss.count > 0 ? `lowest ${formatValue(loss.min)}` : '',
      help: metricInfo('loss').help,
    },
    {
      label: 'Evaluation loss',
      value: formatValue(evals.length > 0 ? lastEval : status.lastEvalLoss),
      note: best ? `best ${formatValue(best.loss)}, step ${best.step}` : '',
      help: 'The same on held-out rows. Rising while the training loss falls means overfitting.',
    },
    {
      label: 'Token accuracy',
      value: formatPercent(evals.at('token_accuracy', evals.length - 1)),
      note: evals.length > 0 ? `perplexity ${formatValue(evals.at('perplexity', evals.length - 1))}` : '',
      help: metricInfo('token_accuracy').help,
    },
    {
      label: 'Speed',
      value: last >= 0 ? `${formatCount(speed.last)} tok/s` : formatCount(status.tokensPerSecond),
      note: last >= 0 ? `${formatValue(steps.at('step_seconds', last))} s a step` : '',
      help: metricInfo('tokens_per_second').help,
    },
    {
      label: 'Tokens seen',
      value: last >= 0 ? formatCount(steps.place(last).tokens) : formatCount(null),
      note: last >= 0 ? `epoch ${steps.at('epoch', last).toFixed(2)}` : '',
      help: 'Real tokens since the start of the run.',
    },
    {
      label: 'Memory',
      value: formatBytes(steps.at('memory_bytes', last)),
      note: last >= 0 ? `peak ${formatBytes(steps.at('memory_peak_bytes', last))}` : '',
      help: metricInfo('memory_bytes').help,
    },
    ...curvatureTile(series),
  ];
}

/** What Sophia's look at the curvature costs; no tile for runs that take none. */
function curvatureTile({ steps }: RunSeries): Tile[] {
  const { count } = summarize(steps.metric('curvature_seconds'));
  if (count === 0) return [];
  const cost = sum(steps.metric('curvature_seconds'));
  const share = cost / sum(steps.metric('step_seconds'));
  return [
    {
      label: 'Curvature estimate',
      value: `${formatValue(cost / count)} s`,
      note: `${formatPercent(share)} of the training time`,
      help: `Sophia estimates the curvature with a backward pass of its own every few steps: ${count} times so far, this long on average.`,
    },
  ];
}

function bestEval(evals: Points): { loss: number; step: number } | null {
  let best: { loss: number; step: number } | null = null;
  for (let i = 0; i < evals.length; i++) {
    const loss = evals.at('loss', i);
    if (Number.isFinite(loss) && (best === null || loss < best.loss))
      best = { loss, step: evals.place(i).step };
  }
  return best;
}

/** Gaps (NaN) left out. */
const sum = (values: Float64Array) =>
  values.reduce((total, value) => (Number.isFinite(value) ? total + value : total), 0);
