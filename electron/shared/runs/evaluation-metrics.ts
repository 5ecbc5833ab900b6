/** Metrics of named evaluation sets: those of answers (shared/evaluation), of choices and of likelihood, with a chart each. */
import { textMetrics } from '../evaluation/text-metrics.ts';
import { type ChartInfo, type Metric, metric } from './metric.ts';

type Row = Pick<Metric, 'name' | 'title' | 'help'> & Partial<Metric>;

const share: Partial<Metric> = { unit: 'share', better: 'higher' };

const rows: readonly Row[] = [
  {
    name: 'bits_per_byte',
    title: 'Bits per byte',
    better: 'lower',
    help: 'Loss in bits per byte of the answers: comparable between tokenizers, where the loss of a token is not.',
  },
  {
    name: 'accuracy',
    title: 'Accuracy',
    ...share,
    help: 'Share of rows in which the right label was chosen.',
  },
  {
    name: 'accuracy_norm',
    title: 'Accuracy by characters',
    ...share,
    help: 'Share of rows in which the right label has the lowest loss per character (acc_norm of lm-evaluation-harness).',
  },
  {
    name: 'macro_f1',
    title: 'Macro F1',
    ...share,
    help: 'F1 of every label, averaged: rare labels count as much as frequent ones.',
  },
  {
    name: 'macro_precision',
    title: 'Macro precision',
    ...share,
    help: 'Of the rows for which a label was chosen, the share that has it; averaged over labels.',
  },
  {
    name: 'macro_recall',
    title: 'Macro recall',
    ...share,
    help: 'Of the rows with a label, the share for which it was chosen; averaged over labels.',
  },
  {
    name: 'macro_f_beta',
    title: 'Macro F-beta',
    ...share,
    help: 'F-beta of every label, averaged, with the beta of the set.',
  },
  {
    name: 'micro_f1',
    title: 'Micro F1',
    ...share,
    help: 'F1 over all choices together. As every row has one label and one choice, it is the accuracy.',
  },
  {
    name: 'micro_precision',
    title: 'Micro precision',
    ...share,
    help: 'Precision over all choices together.',
  },
  {
    name: 'micro_recall',
    title: 'Micro recall',
    ...share,
    help: 'Recall over all choices together.',
  },
  {
    name: 'micro_f_beta',
    title: 'Micro F-beta',
    ...share,
    help: 'F-beta over all choices together, with the beta of the set.',
  },
  {
    name: 'calibration_error',
    title: 'Calibration error',
    unit: 'share',
    better: 'lower',
    help: 'Expected calibration error: how far the probability of the choices is from the share of right ones, in 15 bins.',
  },
  {
    name: 'prompt_strict',
    title: 'Prompts followed',
    ...share,
    help: 'Share of answers that keep to all instructions of their prompt, as they are (prompt_level_strict_acc of lm-evaluation-harness).',
  },
  {
    name: 'prompt_loose',
    title: 'Prompts followed, loosely',
    ...share,
    help: 'Share of answers that keep to all instructions, asterisks and the first or last line left out where that helps (prompt_level_loose_acc).',
  },
  {
    name: 'instruction_strict',
    title: 'Instructions followed',
    ...share,
    help: 'Share of instructions that answers keep to, as they are (inst_level_strict_acc of lm-evaluation-harness).',
  },
  {
    name: 'instruction_loose',
    title: 'Instructions followed, loosely',
    ...share,
    help: 'Share of instructions that answers keep to, asterisks and the first or last line left out where that helps (inst_level_loose_acc).',
  },
  {
    name: 'judge',
    title: 'Judge',
    better: 'higher',
    help: 'Mean score that the judge of the set gave, on its scale (yes is 1, no is 0), over the answers that it judged.',
  },
  {
    name: 'pass_at_k',
    title: 'pass@k',
    ...share,
    help: 'Chance that one of the k answers to a prompt is right by the first metric of the set.',
  },
  {
    name: 'cut_off',
    title: 'Answers cut off',
    unit: 'share',
    better: 'lower',
    help: 'Share of answers that reached the answer length before they ended.',
  },
  ...textMetrics.map(
    ({ name, title, help, best }): Row => ({
      name,
      title,
      help,
      unit: best === 1 ? 'share' : '',
      better: 'higher',
    }),
  ),
];

/** Told, and not drawn. */
const counts: readonly Row[] = [
  { name: 'judged', title: 'Answers judged', help: 'Answers that the judge of the set gave a score.' },
  {
    name: 'not_judged',
    title: 'Answers not judged',
    better: 'lower',
    help: 'Answers without a score of the judge, which do not count in its mean. The opened row and the log say why.',
  },
];

export const evaluationMetrics: readonly Metric[] = [
  ...rows.map(({ name, ...row }) => metric(name, { ...row, chart: `set_${name}`, events: ['eval'] })),
  ...counts.map(({ name, ...row }) => metric(name, { ...row, scale: 'zero', events: ['eval'] })),
];

export const evaluationCharts: readonly ChartInfo[] = rows.map(({ name, title }) => ({
  id: `set_${name}`,
  title,
}));
