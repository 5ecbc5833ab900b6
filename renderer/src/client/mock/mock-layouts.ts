/** The mock host's layouts: memory and time divided up, for a model of 9 heads over 3 key-value heads. */
import type { LayoutForecast, RunPreview } from '../../../../electron/shared/api/entities.ts';
import {
  bubbleShare,
  type ParallelSpec,
  worldSize,
} from '../../../../electron/shared/spec/parallel-fields.ts';
import type { RunSpec } from '../../../../electron/shared/spec/run-spec.ts';

const LAYERS = 30;
const TP_SIZES = [1, 2, 3, 9];
const order: readonly LayoutForecast['verdict'][] = ['fits', 'tight', 'does_not_fit'];
const PROCESS_BYTES = 110 * 1024 ** 2;
const STEP_SECONDS = 6;

type Memory = RunPreview['memory'];

function rankMemory(
  whole: Memory,
  { tp_size: tp, pp_size: pp, dp_size: dp, zero_stage: zero, sequence_parallel: sequence }: ParallelSpec,
) {
  const cut = (bytes: number, from: number) => Math.round(bytes / tp / pp / (zero >= from ? dp : 1));
  const memory = {
    weightsBytes: Math.round(whole.weightsBytes / tp / pp),
    gradientsBytes: cut(whole.gradientsBytes, 2),
    optimizerBytes: cut(whole.optimizerBytes, 1),
    // Norms and residual stream are about a third of what a rank keeps.
    activationsBytes: Math.round((whole.activationsBytes / tp) * (sequence ? 1 : 1 + (tp - 1) / 3)),
  };
  const totalBytes = Object.values(memory).reduce((sum, bytes) => sum + bytes, PROCESS_BYTES);
  return { ...memory, totalBytes };
}

export function mockLayout({ parallel, batch, device }: RunSpec, whole: Memory): LayoutForecast {
  const { pp_size: pp, tp_size: tp, dp_size: dp } = parallel;
  const memory = rankMemory(whole, parallel);
  const ranks = Array.from({ length: pp * tp }, (_, k) => ({
    rank: Math.floor(k / tp) * tp * dp + (k % tp),
    stage: Math.floor(k / tp),
    tpRank: k % tp,
    layers: Math.floor(LAYERS / pp) + (Math.floor(k / tp) < LAYERS % pp ? 1 : 0),
    memory,
  }));
  const share = bubbleShare(parallel, batch.grad_accum_steps);
  const computeSeconds = STEP_SECONDS / worldSize(parallel);
  const bubbleSeconds = (computeSeconds * share) / (1 - share);
  const communicationSeconds =
    (parallel.sequence_parallel ? 0.25 : 0.2) * (tp - 1) + 0.05 * (dp - 1) + 0.01 * (pp - 1);
  const deviceBytes = device === 'cpu' ? memory.totalBytes * worldSize(parallel) : memory.totalBytes;
  const used = deviceBytes / whole.availableBytes;
  return {
    parallel,
    checkpointing: 'off',
    gradAccumSteps: batch.grad_accum_steps,
    worldSize: worldSize(parallel),
    ranks,
    deviceBytes,
    availableBytes: whole.availableBytes,
    verdict: used > 1 ? 'does_not_fit' : used > 0.85 ? 'tight' : 'fits',
    time: {
      computeSeconds,
      bubbleSeconds,
      communicationSeconds,
      totalSeconds: computeSeconds + bubbleSeconds + communicationSeconds,
      bubbleShare: share,
    },
  };
}

export function mockLayouts(spec: RunSpec, whole: Memory, ranks: number): LayoutForecast[] {
  const sizes = Array.from({ length: ranks }, (_, i) => i + 1).filter((n) => ranks % n === 0);
  const found = TP_SIZES.filter((tp) => ranks % tp === 0).flatMap((tp_size) =>
    sizes.flatMap((pp_size) => {
      const dp_size = ranks / tp_size / pp_size;
      const grad_accum_steps = (spec.batch.grad_accum_steps * spec.parallel.dp_size) / dp_size;
      if (!Number.isInteger(dp_size) || !Number.isInteger(grad_accum_steps)) return [];
      const batch = { ...spec.batch, grad_accum_steps };
      const stages = dp_size > 1 ? [0, 1, 2] : [0];
      return stages.flatMap((zero_stage) =>
        (tp_size > 1 ? [false, true] : [false]).map((sequence_parallel) => {
          const grid = { dp_size, tp_size, pp_size, zero_stage, sequence_parallel };
          return mockLayout({ ...spec, batch, parallel: { ...spec.parallel, ...grid } }, whole);
        }),
      );
    }),
  );
  return found.sort(
    (a, b) =>
      order.indexOf(a.verdict) - order.indexOf(b.verdict) ||
      a.time.totalSeconds - b.time.totalSeconds ||
      a.deviceBytes - b.deviceBytes,
  );
}
