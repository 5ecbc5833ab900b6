/** The quality study: optimizers and methods at the best of equally swept rates, with verdicts, and what each costs. A part for each dataset. */

import type { Verdict } from '../../shared/runs/comparison.ts';
import { DEFAULT_SET } from '../../shared/runs/event-line.ts';
import type { StudyCell, StudyFigure, StudyTable } from '../../shared/runs/study-report.ts';
import { ANSWERS_SET, dataName } from '../../shared/spec/study.ts';
import type { StudyRunMeasured } from './measured.ts';
import { modelName, round } from './words.ts';

export interface Contender {
  title: string;
  /** Of its best rate, one a seed. */
  runs: StudyRunMeasured[];
  loss: number;
  sd: number | null;
  rate: number;
}

const rateOf = ({ spec }: StudyRunMeasured) => spec.optimizer.learning_rate;
const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
const numbers = (values: readonly (number | null)[]) => values.filter((value) => value !== null);
const meanCell = (values: readonly (number | null)[], cell: (value: number) => StudyCell): StudyCell =>
  numbers(values).length === 0 ? null : cell(mean(numbers(values)));
const percent = (share: number) => `${round(100 * share)}%`;

function groups<K>(
  runs: readonly StudyRunMeasured[],
  by: (run: StudyRunMeasured) => K,
): Map<K, StudyRunMeasured[]> {
  const found = new Map<K, StudyRunMeasured[]>();
  for (const run of runs) found.set(by(run), [...(found.get(by(run)) ?? []), run]);
  return found;
}

/** What a run competes as: with its model where there are several. */
const titles = (runs: readonly StudyRunMeasured[]) => {
  const several = new Set(runs.map(({ spec }) => spec.model)).size > 1;
  return ({ spec }: StudyRunMeasured) =>
    `${several ? `${modelName(spec.model)}: ` : ''}${spec.method.type} with ${spec.optimizer.type}`;
};

/** The runs of each dataset, which are compared with each other, by its name. */
export const byData = (runs: readonly StudyRunMeasured[]): Map<string, StudyRunMeasured[]> =>
  groups(runs, ({ run, spec }) => dataName(String(run.values['dataset.train'] ?? spec.dataset.train)));

/**
 * Of each pair of method and optimizer on one dataset the rate with the lowest mean loss, best pair first; runs without a loss do not count.
 */
export function contenders(runs: readonly StudyRunMeasured[]): Contender[] {
  const judged = runs.filter(({ evalLoss, status }) => evalLoss !== null && status.state === 'completed');
  const all = [...groups(judged, titles(judged))].map(([title, own]) => {
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

/** Of all datasets; a table is named after its own where there are several. */
export function qualityTables(runs: readonly StudyRunMeasured[], verdicts: readonly Verdict[]): StudyTable[] {
  const parts = [...byData(runs)];
  return parts.flatMap(([data, own]) => {
    const titled = (title: string) => (parts.length > 1 ? `${data}: ${title.toLowerCase()}` : title);
    return [bestTable(titled('Each at the best of its rates, best first'), own, verdicts)].concat(
      everyRate(titled('Every rate'), own),
    );
  });
}

function bestTable(
  title: string,
  runs: readonly StudyRunMeasured[],
  verdicts: readonly Verdict[],
): StudyTable {
  const best = contenders(runs);
  const answered = runs.some(({ numberMatch }) => numberMatch !== null);
  const against = (one: Contender, set: string): StudyCell => {
    // The first is so by its loss.
    if (one === best[0]) return set === DEFAULT_SET ? 'the best' : null;
    const own = verdicts.find((v) => v.set === set && one.runs.some(({ run }) => run.id === v.candidate));
    return own?.sentence ?? null;
  };
  const rowOf = (one: Contender): StudyCell[] => [
    ...[one.title, one.rate, round(one.loss, 4), one.sd === null ? null : round(one.sd, 2), one.runs.length],
    ...(answered
      ? [
          meanCell(
            one.runs.map(({ numberMatch }) => numberMatch),
            percent,
          ),
        ]
      : []),
    meanCell(
      one.runs.map(({ trainSeconds }) => trainSeconds),
      round,
    ),
    meanCell(
      one.runs.map(({ peakBytes }) => peakBytes),
      (bytes) => round(bytes / 1e9),
    ),
    against(one, DEFAULT_SET),
    ...(answered ? [against(one, ANSWERS_SET)] : []),
  ];
  return {
    title,
    columns: [
      ...['Method and optimizer', 'Rate', 'Evaluation loss', 'sd over seeds', 'Seeds'],
      ...(answered ? ['Right numbers'] : []),
      ...['Training, s', 'Peak memory, GB', 'Against the first'],
      ...(answered ? ['Answers against the first'] : []),
    ],
    rows: [...best.map(rowOf), ...untrained(runs, answered)],
  };
}

/** The model before any training, where it was evaluated: what the losses are to be held against. */
function untrained(runs: readonly StudyRunMeasured[], answered: boolean): StudyCell[][] {
  const models = groups(
    runs.filter(({ untrainedLoss }) => untrainedLoss !== null),
    ({ spec }) => modelName(spec.model),
  );
  return [...models].map(([model, [one]]) => [
    `${models.size > 1 ? `${model}: ` : ''}not trained`,
    ...[null, meanCell([one?.untrainedLoss ?? null], (loss) => round(loss, 4)), null, null],
    ...(answered ? [meanCell([one?.untrainedMatch ?? null], percent)] : []),
    ...[null, null, null],
    ...(answered ? [null] : []),
  ]);
}

function everyRate(title: string, runs: readonly StudyRunMeasured[]): StudyTable {
  const titleOf = titles(runs);
  const points = groups(runs, (run) => `${titleOf(run)}, rate ${rateOf(run)}`);
  return {
    title,
    columns: ['Method and optimizer', 'Rate', 'Evaluation loss, mean over seeds', 'Seeds'],
    rows: [...points.values()].map((own) => {
      const losses = numbers(own.map(({ evalLoss }) => evalLoss));
      const [first] = own as [StudyRunMeasured, ...StudyRunMeasured[]];
      const loss = losses.length === 0 ? 'not finite, or not evaluated' : round(mean(losses), 4);
      return [titleOf(first), rateOf(first), loss, losses.length];
    }),
  };
}

export function qualityFigures(runs: readonly StudyRunMeasured[]): StudyFigure[] {
  const parts = [...byData(runs)];
  return parts.map(([data, own]) => ({
    title: parts.length > 1 ? `${data}: quality against cost` : 'Quality against cost',
    ...{ x: 'Training, seconds', y: 'Evaluation loss' },
    points: contenders(own).flatMap((one) => {
      const seconds = numbers(one.runs.map(({ trainSeconds }) => trainSeconds));
      return seconds.length === 0
        ? []
        : [{ label: one.title, series: one.title, x: mean(seconds), y: one.loss }];
    }),
  }));
}

export function qualityNotes(runs: readonly StudyRunMeasured[]): string[] {
  const answered = runs.some(({ numberMatch }) => numberMatch !== null);
  return [
    'The paper compares optimizers and methods on instruction tuning of LLaMA with benchmarks; here it is the loss on held-out rows of the data that was chosen.',
    ...(answered
      ? [
          'Right numbers: the share of answers that end with the number of the reference, without examples in the prompt. The rate of each is chosen by the loss, not by this.',
        ]
      : []),
    'The rate of each is chosen on the same held-out rows that it is judged on: every pair has the same number of rates, so none has an advantage by that, but all losses are a little too good.',
    'Verdicts are those of Compare: paired over rows and over seeds (docs/compare.md).',
  ];
}
