/**
 * Every metric once. The engine emits names (`metrics` of step and eval events), everything else about a metric is here: how it is
 * called, counted, drawn and compared. A new metric is a row here and the line that computes it.
 */

import { evaluationCharts, evaluationMetrics } from './evaluation-metrics.ts';
import { machineCharts, machineMetrics, partOf } from './machine-metrics.ts';
import { type ChartInfo, type Metric, metric } from './metric.ts';

export type { ChartInfo, Metric, MetricUnit } from './metric.ts';

/** In the order in which they are shown. */
export const metrics: readonly Metric[] = [
  metric('loss', {
    title: 'Loss',
    unit: 'nats',
    scale: 'log',
    better: 'lower',
    chart: 'loss',
    events: ['step', 'eval'],
    noisy: true,
    help: 'Mean cross entropy of an answer token. Lower is better.',
  }),
  metric('token_accuracy', {
    title: 'Token accuracy',
    unit: 'share',
    better: 'higher',
    chart: 'accuracy',
    events: ['eval'],
    help: 'Share of held-out answer tokens that the model would have chosen itself.',
  }),
  metric('perplexity', {
    title: 'Perplexity',
    scale: 'log',
    better: 'lower',
    chart: 'perplexity',
    events: ['eval'],
    help: 'exp(loss): among how many equally likely tokens the model hesitates.',
  }),
  metric('grad_norm', {
    title: 'Gradient norm',
    scale: 'log',
    chart: 'grad_norm',
    noisy: true,
    help: 'L2 norm of all gradients before clipping.',
  }),
  metric('learning_rate', {
    title: 'Learning rate',
    scale: 'zero',
    chart: 'learning_rate',
    help: 'What the schedule has made of the learning rate at this step.',
  }),
  metric('tokens_per_second', {
    title: 'Speed',
    label: 'Tokens/s',
    unit: 'tokens/s',
    scale: 'zero',
    better: 'higher',
    chart: 'speed',
    noisy: true,
    help: 'Real tokens forwarded and backpropagated in a second. There is no padding.',
  }),
  metric('memory_bytes', {
    title: 'Memory',
    label: 'Now',
    unit: 'bytes',
    scale: 'zero',
    chart: 'memory',
    help: 'Memory of the training process; on a GPU, what it has allocated there.',
  }),
  metric('memory_peak_bytes', {
    title: 'Peak memory',
    label: 'Peak',
    unit: 'bytes',
    scale: 'zero',
    better: 'lower',
    chart: 'memory',
    help: 'The most that the training process has held.',
  }),
  metric('step_seconds', {
    title: 'Step time',
    unit: 'seconds',
    scale: 'zero',
    better: 'lower',
    help: 'Wall time of the step.',
  }),
  metric('curvature_seconds', {
    title: 'Curvature estimate',
    unit: 'seconds',
    scale: 'zero',
    better: 'lower',
    help: 'Part of the step time that went into a Hessian estimate (Sophia); only in steps that made one.',
  }),
  metric('epoch', { title: 'Epoch', scale: 'zero', help: 'Epochs trained so far, with their fraction.' }),
  metric('tokens', {
    title: 'Tokens of a step',
    unit: 'tokens',
    scale: 'zero',
    help: 'Real tokens forwarded in this step, never padding.',
  }),
  metric('target_tokens', {
    title: 'Target tokens',
    unit: 'tokens',
    scale: 'zero',
    events: ['step', 'eval'],
    help: 'Tokens that count in the loss.',
  }),
  metric('eval_seconds', {
    title: 'Evaluation time',
    unit: 'seconds',
    scale: 'zero',
    better: 'lower',
    events: ['eval'],
    help: 'Wall time of the evaluation.',
  }),
  ...evaluationMetrics,
  ...machineMetrics,
];

/** Charts of a run, in order. Metrics that are not in the registry get one each, below the heading of `OTHER`. */
export const charts: readonly ChartInfo[] = [
  { id: 'loss', title: 'Loss', wide: true },
  { id: 'grad_norm', title: 'Gradient norm' },
  { id: 'learning_rate', title: 'Learning rate' },
  { id: 'speed', title: 'Speed' },
  { id: 'memory', title: 'Memory' },
  { id: 'accuracy', title: 'Token accuracy' },
  { id: 'perplexity', title: 'Perplexity' },
  ...evaluationCharts,
  ...machineCharts,
];

export const OTHER = { id: 'other', title: 'Other' } as const;

const byName = new Map(metrics.map((row) => [row.name, row]));

/** What is known of a metric; for a name that is not in the registry, a row that says so: drawn under "Other", neither way better. */
export const metricInfo = (name: string): Metric => byName.get(name) ?? infoOfPart(name) ?? unknown(name);

function infoOfPart(name: string): Metric | null {
  const part = partOf(name);
  const whole = part && byName.get(part.whole);
  if (!whole || whole.parts !== part.part) return null;
  return { ...whole, name, title: `${whole.title}, ${part.label}`, label: part.label };
}

const unknown = (name: string): Metric =>
  metric(name, {
    title: name,
    chart: OTHER.id,
    events: ['step', 'eval'],
    help: 'A metric that this version does not know.',
  });
