/**
 * How a run is laid out over its ranks: `parallel`, `hosts` and `recovery` of a RunSpec. The engine reads the same keys and ranges
 * (native/core/grid/parallel.cpp); what a layout costs and which ones a model allows is asked of its planner.
 */
import { z } from 'zod';
import { int, meta } from './field-meta.ts';

export const parallelSchema = z.strictObject({
  dp_size: int(1, 1024)
    .default(1)
    .meta(
      meta({
        control: 'stepper',
        title: 'Data parallel',
        help: 'Copies of the model that share the micro-batches of a step. Accumulation must be a multiple of it; the result of a step is the same.',
        unit: 'copies',
      }),
    ),
  tp_size: int(1, 64)
    .default(1)
    .meta(
      meta({
        control: 'stepper',
        title: 'Tensor parallel',
        help: 'Ranks that every matrix of a layer is sharded over. They communicate twice per layer in each direction, so they belong on one machine.',
        unit: 'ranks',
        paper: { title: 'Megatron-LM (2019)', url: 'https://arxiv.org/abs/1909.08053' },
      }),
    ),
  sequence_parallel: z
    .boolean()
    .default(false)
    .meta(
      meta({
        title: 'Sequence parallel',
        help: 'With tensor parallel: the activations between the matrices (norms, residual stream) are sharded over tokens as well. They take less memory, the result is the same, and a little more is communicated.',
        needs: { path: 'parallel.tp_size', above: 1, otherwise: 'Needs tensor parallel above 1.' },
        paper: { title: 'Sequence parallelism (2022)', url: 'https://arxiv.org/abs/2205.05198' },
      }),
    ),
  pp_size: int(1, 64)
    .default(1)
    .meta(
      meta({
        control: 'stepper',
        title: 'Pipeline parallel',
        help: 'Stages that the layers are split into. They communicate little, but idle at the beginning and end of a step (the bubble): take several micro-batches for each stage.',
        unit: 'stages',
        paper: { title: 'PipeDream-Flush, 1F1B (2021)', url: 'https://arxiv.org/abs/2006.09503' },
      }),
    ),
  zero_stage: int(0, 3)
    .default(0)
    .meta(
      meta({
        control: 'stepper',
        title: 'ZeRO stage',
        help: 'What data-parallel ranks partition: 0 nothing, 1 optimizer states and master weights, 2 gradients too, 3 weights too, which are all-gathered for each layer when it is computed.',
        paper: { title: 'ZeRO (2020)', url: 'https://arxiv.org/abs/1910.02054' },
      }),
    ),
  pipeline_chunks: int(1, 16)
    .default(1)
    .meta(
      meta({
        title: 'Chunks per stage',
        help: 'More than 1: interleaved 1F1B, in which every stage holds several groups of layers. The bubble shrinks by this factor, and stages communicate more often.',
        unit: 'chunks',
        advanced: true,
        paper: { title: 'Interleaved 1F1B (2021)', url: 'https://arxiv.org/abs/2104.04473' },
      }),
    ),
  pipeline_partition: z
    .enum(['parameters', 'layers'])
    .default('parameters')
    .meta(
      meta({
        title: 'Split by',
        help: 'How the layers are split into chunks: with equal parameters, embedding and head counted, or with equal numbers of layers.',
        advanced: true,
      }),
    ),
  pipeline_layers: z
    .array(int(1, 100_000))
    .max(1024)
    .default([])
    .meta(
      meta({
        title: 'Layers of the chunks',
        help: 'Layers of every chunk from the bottom up, one number for each of stages times chunks. Empty: as the setting above says.',
        advanced: true,
      }),
    ),
  timeline: z
    .boolean()
    .default(false)
    .meta(
      meta({
        title: 'Record a timeline',
        help: 'Every rank records when it computed which micro-batch. The monitor draws the pipeline and its bubble from it.',
        advanced: true,
      }),
    ),
  hang_timeout: z
    .number()
    .min(1)
    .max(86_400)
    .default(600)
    .meta(
      meta({
        title: 'Hang limit',
        help: 'A rank that waits longer than this for the others ends the run and names who is missing; so does one that neither computes nor reports for so long.',
        unit: 'seconds',
        advanced: true,
      }),
    ),
});
export type ParallelSpec = z.output<typeof parallelSchema>;

export const hostsSchema = z
  .array(z.string().min(1))
  .max(1024)
  .default([])
  .meta(
    meta({
      title: 'Hosts',
      help: 'Machines that the ranks run on, each as `name:slots`. They need this program and the run folder at the same paths, and passwordless SSH. Empty: this machine.',
      advanced: true,
      suggestions: [],
    }),
  );

const HOST = /^([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)(?::([1-9][0-9]{0,3}))?$/;

/** `node1:8` as a name and the ranks it takes; without a number: 1. Null for what is no host. */
export function parseHost(text: string): { name: string; slots: number } | null {
  const [, name, slots] = HOST.exec(text) ?? [];
  return name === undefined ? null : { name, slots: Number(slots ?? 1) };
}

export const recoverySchema = z.strictObject({
  max_restarts: int(0, 100)
    .default(0)
    .meta(
      meta({
        title: 'Restarts',
        help: 'How often the run starts again from its last complete checkpoint by itself when a rank dies or hangs. Two attempts in a row that saved no new checkpoint end it too. 0: it fails, and you may resume it.',
        advanced: true,
      }),
    ),
});

export const worldSize = ({ dp_size, tp_size, pp_size }: ParallelSpec): number => dp_size * tp_size * pp_size;

/** Place of a rank in the grid pp x dp x tp; the engine's place_of() (native/core/grid/parallel.cpp). */
export function placeOf({ tp_size, dp_size }: ParallelSpec, rank: number) {
  return {
    stage: Math.floor(rank / (tp_size * dp_size)),
    dpRank: Math.floor(rank / tp_size) % dp_size,
    tpRank: rank % tp_size,
  };
}

/** Most ranks that one host gets: hosts are filled in their order. */
export function ranksPerHost(world: number, hosts: readonly string[]): number {
  if (hosts.length === 0) return world;
  let left = world;
  return hosts.reduce((most, host) => {
    const here = Math.min(left, parseHost(host)?.slots ?? 1);
    left -= here;
    return Math.max(most, here);
  }, 0);
}

/** Threads of a rank when none are asked for. */
export const threadsPerRank = (cores: number, ranks: number): number =>
  Math.max(1, Math.floor(cores / Math.max(1, ranks)));

/** Share of its time that a stage waits in (interleaved) 1F1B when all passes take the same: (p - 1) / (m v + p - 1). */
export function bubbleShare({ pp_size, pipeline_chunks }: ParallelSpec, gradAccumSteps: number): number {
  const passes = gradAccumSteps * pipeline_chunks;
  return (pp_size - 1) / (passes + pp_size - 1);
}
