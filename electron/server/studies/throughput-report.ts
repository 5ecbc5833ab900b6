/** The throughput study: tokens per device and second, scaling efficiency, bubble, and what theory says is sent. */
import { paperThroughput } from '../../shared/runs/paper-figures.ts';
import type { StudyFigure, StudyTable } from '../../shared/runs/study-report.ts';
import { layoutName } from '../../shared/spec/layouts.ts';
import { bubbleShare } from '../../shared/spec/parallel-fields.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import type { StudyRunMeasured } from './measured.ts';
import { modelName, round } from './words.ts';

/**
 * Bytes that a rank sends in a step by theory, as ring collectives do it, of m micro-batches a rank. Data parallel, (d-1)/d of the trainable
 * parameters: gradients in fp32, twice where they are summed to all, with ZeRO-2 and 3 those of every micro-batch; weights in the precision of
 * the run, once a step with ZeRO-1 and 2, for both passes of every micro-batch with ZeRO-3. Tensor parallel: four all-reduces of the hidden states
 * a layer. Pipeline: the hidden states up and their gradients down between two stages.
 */
export function sentByTheory(
  spec: RunSpec,
  trainable: number,
  shape: { layers: number; hidden: number },
): number {
  const { dp_size: d, tp_size: t, pp_size: p, zero_stage } = spec.parallel;
  const tokens = spec.batch.seq_len * spec.batch.micro_batch_size * spec.batch.grad_accum_steps;
  const own = trainable / t / p;
  const m = spec.batch.grad_accum_steps;
  const width = spec.precision === 'bf16' ? 2 : 4;
  const gradients = 4 * (zero_stage >= 2 ? m : zero_stage === 1 ? 1 : 2);
  const weights = width * (zero_stage === 3 ? 2 * m : zero_stage > 0 ? 1 : 0);
  const data = d > 1 ? ((gradients + weights) * (d - 1) * own) / d : 0;
  const tensor = t > 1 ? ((4 * 2 * (t - 1)) / t) * (shape.layers / p) * tokens * shape.hidden : 0;
  const pipeline = p > 1 ? (2 * (p - 1) * tokens * shape.hidden) / p : 0;
  return data + width * (tensor + pipeline);
}

export function throughputTables(
  runs: readonly StudyRunMeasured[],
  shapeOf: (model: string) => { layers: number; hidden: number } | null,
): StudyTable[] {
  const single = (one: StudyRunMeasured) =>
    runs.find(
      ({ ranks, spec }) =>
        ranks === 1 &&
        spec.model === one.spec.model &&
        spec.method.type === one.spec.method.type &&
        spec.optimizer.type === one.spec.optimizer.type,
    )?.tokensPerSecond ?? null;
  const rows = runs.map((one) => {
    const { spec, ranks, tokensPerSecond, trainableParams, waiting, sentBytes } = one;
    const perDevice = tokensPerSecond === null ? null : tokensPerSecond / ranks;
    const alone = single(one);
    const shape = shapeOf(spec.model);
    const bubble = spec.parallel.pp_size > 1 ? bubbleShare(spec.parallel, spec.batch.grad_accum_steps) : null;
    const sent =
      shape && trainableParams !== null && ranks > 1 ? sentByTheory(spec, trainableParams, shape) : null;
    return [
      ...[modelName(spec.model), spec.method.type, layoutName(spec.parallel), ranks],
      ...[
        perDevice === null ? null : round(perDevice),
        tokensPerSecond === null ? null : round(tokensPerSecond),
      ],
      ...[perDevice === null || alone === null ? null : `${round((100 * perDevice) / alone)}%`],
      ...[bubble === null ? null : `${round(100 * bubble)}%`],
      ...[bubble === null || waiting === null ? null : `${round(100 * waiting)}%`],
      ...[sentBytes === null ? null : round(sentBytes / 1e6), sent === null ? null : round(sent / 1e6)],
    ];
  });
  return [
    {
      title: 'Layouts',
      columns: [
        'Model',
        'Method',
        'Layout',
        'Ranks',
        'Tokens/s per rank',
        'Tokens/s',
        'Efficiency',
        'Bubble by theory',
        'Waiting measured',
        'Sent per rank and step, MB',
        'By theory, MB',
      ],
      rows,
    },
    {
      title: "The paper's tokens per GPU and second (A100, Adam, sequences of 2,048, global batch of 1,024)",
      columns: ['Model', 'ZeRO-3', 'Tensor and pipeline', 'Hugging Face, ZeRO-3'],
      rows: paperThroughput.map(({ model, zero3, tensorPipeline, huggingFace }) => [
        model,
        zero3,
        tensorPipeline,
        huggingFace,
      ]),
    },
  ];
}

export function throughputFigures(runs: readonly StudyRunMeasured[]): StudyFigure[] {
  const points = runs.flatMap(({ spec, ranks, tokensPerSecond }) =>
    tokensPerSecond === null
      ? []
      : [
          {
            label: layoutName(spec.parallel),
            series: layoutName(spec.parallel),
            x: ranks,
            y: tokensPerSecond / ranks,
          },
        ],
  );
  return [{ title: 'Tokens per rank and second', x: 'Ranks', y: 'Tokens/s per rank', points }];
}

export const throughputNotes = (): string[] => [
  'The paper measured A100 GPUs and models of 7 to 65 billion parameters. Here every rank has one thread of the processor, so that ranks are added as devices would be; no figure can be held against theirs.',
  'Efficiency is the speed per rank over that of one rank alone. Bytes sent are what ranks gave to each collective and neighbour, counted by the engine, as a ring sends it; what the network library does below that is not seen. Theory leaves out what an optimizer exchanges, padding, the head, a table that the ends of a pipeline share, and that ZeRO-3 fetches embeddings and the last layers once less.',
  'Figures of time depend on what else the machine was doing.',
];
