/** Which lines the charts of a run have, and how their numbers are written. Pure. */
import type { ChartLine } from '../../charts/chart-model.ts';
import type { XAxis } from '../../charts/chart-settings.ts';
import { formatCount, formatDuration, formatTimeTick } from '../../charts/format.ts';
import type { PlotMark } from '../../charts/LinesPlot.tsx';
import type { RunSeries, StepColumn } from '../../charts/run-series.ts';
import { countUpTo } from '../../charts/table.ts';
import { formatInteger } from '../../components/format.ts';

export interface XFormat {
  label: string;
  exact: (x: number) => string;
  tick: (x: number) => string;
}

export const xFormats: Record<XAxis, XFormat> = {
  step: { label: 'Step', exact: formatInteger, tick: formatCount },
  tokens: { label: 'Tokens', exact: formatInteger, tick: formatCount },
  seconds: { label: 'Time', exact: formatDuration, tick: formatTimeTick },
};

export interface RunLines {
  loss: ChartLine[];
  learningRate: ChartLine[];
  gradNorm: ChartLine[];
  speed: ChartLine[];
  memory: ChartLine[];
}

export function runLines({ steps, evals }: RunSeries, axis: XAxis): RunLines {
  const x = steps.column(axis);
  const measured = (
    column: StepColumn,
    label: string,
    color: number,
    style: ChartLine['style'],
  ): ChartLine => ({
    key: column,
    label,
    color: `var(--chart-${color})`,
    x,
    y: steps.column(column),
    style,
  });
  const evaluation: ChartLine = {
    key: 'eval',
    label: 'Evaluation',
    color: 'var(--chart-2)',
    dash: '6 3',
    x: evals.column(axis),
    y: evals.column('loss'),
    style: 'dots',
  };
  return {
    loss: [measured('loss', 'Training', 1, 'smoothed'), ...(evals.length > 0 ? [evaluation] : [])],
    learningRate: [measured('learning_rate', 'Learning rate', 4, 'plain')],
    gradNorm: [measured('grad_norm', 'Gradient norm', 3, 'smoothed')],
    speed: [measured('tokens_per_second', 'Tokens/s', 1, 'smoothed')],
    memory: [
      measured('memory_bytes', 'Now', 1, 'plain'),
      { ...measured('memory_peak_bytes', 'Peak', 5, 'plain'), dash: '6 3' },
    ],
  };
}

/** Where the run was resumed, on the chosen axis. */
export function resumeMarks({ attempts, steps }: RunSeries, axis: XAxis): PlotMark[] {
  return attempts
    .filter((attempt) => attempt.resumed_from_step > 0)
    .flatMap((attempt) => {
      const row = countUpTo(steps.column('step'), attempt.resumed_from_step) - 1;
      const x = steps.at(axis, row);
      return Number.isFinite(x) ? [{ x, label: 'resumed' }] : [];
    });
}
