/** The quality study: optimizers and methods at the best of equally swept rates, with verdicts, and what each costs. */
import type { Verdict } from '../../shared/runs/comparison.ts';
import type { StudyFigure, StudyTable } from '../../shared/runs/study-report.ts';
import { pointName } from '../../shared/runs/sweep-record.ts';
import type { StudyRunMeasured } from './measured.ts';
import { round } from './words.ts';

export interface Contender {
  title: string;
  /** Of its best rate, one a seed. */
  runs: StudyRunMeasured[];
  loss: number;
  sd: number | null;
  rate: number;
}

const titleOf = ({ spec }: StudyRunMeasured) => `${spec.method.type} with ${spec.optimizer.type}`;
const rateOf = ({ spec }: StudyRunMeasured) => spec.optimizer.learning_rate;
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;

function groups<K>(
  runs: readonly StudyRunMeasured[],
  by: (run: StudyRunMeasured) => K,
): Map<K, StudyRunMeasured[]> {
  const found = new Map<K, StudyRunMeasured[]>();
  for (const run of runs) found.set(by(run), [...(found.get(by(run)) ?? []), run]);
  return found;
}

/** Of each pair of method and optimizer the rate with the lowest mean loss, best pair first; runs without a loss do not count. */
export function contenders(runs: readonly StudyRunMeasured[]): Contender[] {
  const judged = runs.filter(({ evalLoss, status }) => evalLoss !== null && status.state === 'completed');
  const all = [...groups(judged, titleOf)].map(([title, own]) => {
    const rates = [...groups(own, rateOf)].map(([rate, some]) => {
      const losses = some.map(({ evalLoss }) => Number(evalLoss));
      const loss = mean(losses);
      const sd =
        losses.length < 2
          ? null
          : Math.sqrt(losses.reduce((sum, one) => sum + (one - loss) ** 2, 0) / (losses.length - 1));
      return { title, rate, runs: some, loss, sd };
    });
    return rates.sort((a, b) => a.loss - b.loss)[0] as Contender;
  });
  return all.sort((a, b) => a.loss - b.loss);
}

export function qualityTables(runs: readonly StudyRunMeasured[], verdicts: readonly Verdict[]): StudyTable[] {
  const best = contenders(runs);
  const verdictOf = ({ runs: own }: Contender) =>
    verdicts.find(({ candidate }) => own.some(({ run }) => run.id === candidate));
  return [
    {
      title: 'Each at the best of its rates, best first',
      columns: [
        'Method and optimizer',
        'Rate',
        'Evaluation loss',
        'sd over seeds',
        'Seeds',
        'Training, s',
        'Peak memory, GB',
        'Against the first',
      ],
      rows: best.map((one, place) => {
        const seconds = one.runs.flatMap(({ trainSeconds }) => trainSeconds ?? []);
        const peaks = one.runs.flatMap(({ peakBytes }) => peakBytes ?? []);
        return [
          ...[
            one.title,
            one.rate,
            round(one.loss, 4),
            one.sd === null ? null : round(one.sd, 2),
            one.runs.length,
          ],
          ...[
            seconds.length === 0 ? null : round(mean(seconds)),
            peaks.length === 0 ? null : round(mean(peaks) / 1e9),
          ],
          place === 0 ? 'the best' : (verdictOf(one)?.sentence ?? null),
        ];
      }),
    },
    {
      title: 'Every rate',
      columns: ['Point', 'Evaluation loss, mean over seeds', 'Seeds'],
      rows: [...groups(runs, ({ run }) => pointName(run.values))].map(([name, own]) => {
        const losses = own.flatMap(({ evalLoss }) => evalLoss ?? []);
        return [
          name,
          losses.length === 0 ? 'not finite, or not evaluated' : round(mean(losses), 4),
          losses.length,
        ];
      }),
    },
  ];
}

export function qualityFigures(runs: readonly StudyRunMeasured[]): StudyFigure[] {
  const points = contenders(runs).flatMap((one) => {
    const seconds = one.runs.flatMap(({ trainSeconds }) => trainSeconds ?? []);
    return seconds.length === 0
      ? []
      : [{ label: one.title, series: one.title, x: mean(seconds), y: one.loss }];
  });
  return [{ title: 'Quality against cost', x: 'Training, seconds', y: 'Evaluation loss', points }];
}

export const qualityNotes = (): string[] => [
  'The paper compares optimizers and methods on instruction tuning of LLaMA with benchmarks; here it is the loss on held-out rows of the data that was chosen. GSM8K is such a dataset when it is in the library; it is not part of the workbench.',
  'The rate of each is chosen on the same held-out rows that it is judged on: every pair has the same number of rates, so none has an advantage by that, but all losses are a little too good.',
  'Verdicts are those of Compare: paired over rows and over seeds (docs/compare.md).',
];
