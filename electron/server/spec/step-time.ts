/**
 * How long an optimizer step of a layout may take: arithmetic, the bubble of the pipeline, communication, one after the other. It is
 * there to compare layouts; the speeds are round numbers of such hardware, not measurements of this machine.
 */
import type { Device } from '../../shared/api/entities.ts';
import { bubbleShare, worldSize } from '../../shared/spec/parallel-fields.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import type { RankForecast } from '../native/addon.ts';

/** Operations per second of one core (AVX2 or better) or one multiprocessor, as large products reach them. */
const CORE_FLOPS = 25e9;
const MULTIPROCESSOR_FLOPS = { bf16: 1.5e12, fp32: 0.3e12 };
/** Bytes per second between ranks: through shared memory, between GPUs of a machine, over the network. */
const BANDWIDTH = { cpu: 3e9, cuda: 30e9, network: 1.2e9 };
/** Where a device does not say how many units it has. */
const UNKNOWN_UNITS = { cpu: 4, cuda: 64 };

export interface StepTime {
  computeSeconds: number;
  bubbleSeconds: number;
  communicationSeconds: number;
  totalSeconds: number;
  /** Share of the pipeline's time in which a stage waits: (pp - 1) / (m v + pp - 1). */
  bubbleShare: number;
}

/** Operations per second of one rank: GPUs have one each, the ranks of a CPU share its cores, or take fewer when told. */
export function rankSpeed(
  spec: Pick<RunSpec, 'device' | 'precision' | 'threads'>,
  device: Device | undefined,
  ranksHere: number,
) {
  const units = device?.units ?? UNKNOWN_UNITS[spec.device];
  if (spec.device === 'cuda') return units * MULTIPROCESSOR_FLOPS[spec.precision];
  const share = units / ranksHere;
  return (spec.threads > 0 ? Math.min(spec.threads, share) : share) * CORE_FLOPS;
}

const most = (values: number[]) => values.reduce((top, value) => Math.max(top, value), 0);

export function stepTime(
  spec: RunSpec,
  ranks: readonly RankForecast[],
  device: Device | undefined,
  ranksHere: number,
): StepTime {
  const { parallel, batch } = spec;
  const tokens = batch.micro_batch_size * batch.seq_len * batch.grad_accum_steps;
  const speed = rankSpeed(spec, device, ranksHere);
  const computeSeconds = most(ranks.map(({ flopsPerToken }) => (flopsPerToken * tokens) / speed));
  const share = bubbleShare(parallel, batch.grad_accum_steps);
  const bubbleSeconds = (computeSeconds * share) / (1 - share);
  // A group of neighbours that fits into a host as a whole stays there; others talk over the network.
  const world = worldSize(parallel);
  const within = (neighbours: number) => ranksHere >= world || ranksHere % neighbours === 0;
  const over = (neighbours: number) => (within(neighbours) ? BANDWIDTH[spec.device] : BANDWIDTH.network);
  const tensor = over(parallel.tp_size);
  const data = over(parallel.tp_size * parallel.dp_size);
  const pipeline = over(world);
  const communicationSeconds = most(
    ranks.map(({ traffic }) => traffic.tensor / tensor + traffic.data / data + traffic.pipeline / pipeline),
  );
  const totalSeconds = computeSeconds + bubbleSeconds + communicationSeconds;
  return { computeSeconds, bubbleSeconds, communicationSeconds, totalSeconds, bubbleShare: share };
}
