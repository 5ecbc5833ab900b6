/** A made-up run of eight ranks: their state, its restart, and a timeline of 1F1B as a pipeline of equal stages makes it. */
import type { RankStatus, Restart, RunTimeline, Span } from '../../../../electron/shared/runs/events.ts';
import { type ParallelSpec, placeOf, worldSize } from '../../../../electron/shared/spec/parallel-fields.ts';
import { type RunSpec, runSpecSchema } from '../../../../electron/shared/spec/run-spec.ts';

const FORWARD_US = 61_000;
const BACKWARD_US = 122_000;
const UPDATE_US = 74_000;

export const parallelRunSpec = (spec: RunSpec): RunSpec =>
  runSpecSchema.parse({
    ...spec,
    batch: { ...spec.batch, grad_accum_steps: 8 },
    parallel: { dp_size: 2, tp_size: 2, pp_size: 2, zero_stage: 1, timeline: true },
    recovery: { max_restarts: 2 },
  });

export const mockRestarts: Restart[] = [
  {
    at: '2026-11-22T14:02:31.000Z',
    error: {
      code: 'rank.died',
      message: 'Rank 5 (process 41327 on workstation) was ended by signal 9 (Killed).',
      hint: 'Resume it from step 80.',
      data: { rank: 5, pid: 41_327, host: 'workstation', signal: 9 },
    },
    checkpoint: 'step-00000080',
  },
];

export function mockRanks(parallel: ParallelSpec, step: number): RankStatus[] {
  return Array.from({ length: worldSize(parallel) }, (_, rank) => ({
    rank,
    host: 'workstation',
    pid: 41_500 + rank,
    ...placeOf(parallel, rank),
    state: 'alive',
    step,
    stepSeconds: 1.94,
    waitSeconds: 0.31 + 0.09 * Math.sin(rank * 1.7),
    memoryBytes: 412_000_000 + 21_000_000 * (rank % 4),
    memoryPeakBytes: 468_000_000 + 21_000_000 * (rank % 4),
  }));
}

interface Pass {
  kind: Span['kind'];
  micro: number;
}

/** What a stage does in which order: forward passes until the pipeline is full, then one backward for each forward. */
function order(stage: number, stages: number, count: number): Pass[] {
  const ahead = Math.min(stages - stage - 1, count);
  const passes: Pass[] = Array.from({ length: ahead }, (_, micro) => ({ kind: 'forward', micro }));
  for (let k = 0; k < count; k += 1) {
    if (ahead + k < count) passes.push({ kind: 'forward', micro: ahead + k });
    passes.push({ kind: 'backward', micro: k });
  }
  return passes;
}

/** Spans of every stage: a forward pass waits for the stage before, a backward pass for the one behind. */
export function pipelineSpans(stages: number, count: number): Span[][] {
  const ends = new Map<string, number>();
  const spans: Span[][] = Array.from({ length: stages }, () => []);
  const queues = spans.map((_, stage) => order(stage, stages, count));
  while (queues.some((queue) => queue.length > 0))
    queues.forEach((queue, stage) => {
      const [next] = queue;
      if (!next) return;
      const { kind, micro } = next;
      const from = kind === 'forward' ? stage - 1 : stage + 1;
      const begun = from < 0 || from === stages ? 0 : ends.get(`${kind} ${from} ${micro}`);
      if (begun === undefined) return;
      const begin_us = Math.max(begun, spans[stage]?.at(-1)?.end_us ?? 0);
      const end_us = begin_us + (kind === 'forward' ? FORWARD_US : BACKWARD_US);
      ends.set(`${kind} ${stage} ${micro}`, end_us);
      spans[stage]?.push({ kind, micro_batch: micro, chunk: 0, begin_us, end_us });
      queue.shift();
    });
  return spans;
}

export function mockTimeline(
  { parallel, batch }: RunSpec,
  newest: number,
  wanted: number | null,
): RunTimeline | null {
  const step = wanted ?? newest;
  if (step > newest || !parallel.timeline) return null;
  const stages = pipelineSpans(parallel.pp_size, batch.grad_accum_steps);
  const stepUs = Math.max(...stages.flat().map(({ end_us }) => end_us)) + UPDATE_US;
  const ranks = Array.from({ length: worldSize(parallel) }, (_, rank) => ({
    rank,
    stepUs,
    spans: stages[placeOf(parallel, rank).stage] ?? [],
  }));
  return { step, newest, ranks };
}
