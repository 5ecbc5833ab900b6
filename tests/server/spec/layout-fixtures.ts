/** A spec over a layout, and a machine whose planner is a stand-in. */
import type { RankForecast } from '../../../electron/server/native/addon.ts';
import type { Machine } from '../../../electron/server/spec/layouts.ts';
import type { Device } from '../../../electron/shared/api/entities.ts';
import { CollieError } from '../../../electron/shared/errors.ts';
import { type RunSpec, runSpecSchema } from '../../../electron/shared/spec/run-spec.ts';

export const gpu: Device = {
  kind: 'cuda',
  index: 0,
  name: 'GPU',
  units: 100,
  memoryTotalBytes: 1000,
  features: [],
};

export const spec = (parallel: object = {}, more: object = {}): RunSpec =>
  runSpecSchema.parse({
    model: 'm',
    dataset: { train: 'd', mapping: { kind: 'prompt_answer', prompt: 'q', answer: 'a' } },
    method: { type: 'lora' },
    optimizer: { type: 'adamw' },
    batch: { micro_batch_size: 1, seq_len: 100, grad_accum_steps: 8 },
    parallel,
    ...more,
  });

/** A model of 400 bytes of weights, as much optimizer state, and 8 layers, evenly cut; 1e9 operations a token. */
export const planLayout = (_: string, json: string): RankForecast[] => {
  const { parallel } = JSON.parse(json) as RunSpec;
  const { tp_size, pp_size, dp_size, zero_stage } = parallel;
  if (pp_size > 8) throw new CollieError('spec.invalid', 'too few layers', '');
  const part = tp_size * pp_size;
  const weightsBytes = 400 / part;
  const optimizerBytes = 400 / part / (zero_stage > 0 ? dp_size : 1);
  const totalBytes = weightsBytes + optimizerBytes;
  const memory = { weightsBytes, gradientsBytes: 0, optimizerBytes, activationsBytes: 0, totalBytes };
  return Array.from({ length: part }, (_unused, k) => ({
    rank: k,
    stage: Math.floor(k / tp_size),
    tpRank: k % tp_size,
    layers: 8 / pp_size,
    memory,
    flopsPerToken: 1e9 / part,
    traffic: { tensor: 3e9 * (tp_size - 1), pipeline: 0, data: 0 },
  }));
};
export const machine = (free: number, devices: Device[] = []): Machine => ({
  planner: { planLayout, tensorParallelSizes: (_, most) => [1, 2, 4].filter((tp) => tp <= most) },
  devices,
  freeMemoryBytes: () => free,
});
