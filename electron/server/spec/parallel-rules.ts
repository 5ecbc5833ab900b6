/**
 * Which settings of a layout go together, as a list: what a rule forbids, why, and what to do. The check of a spec applies them, the
 * table in docs/parallel.md is made from them. What depends on the model's shape is the engine's to say (native/core/grid/parallel.h).
 */
import { optimizerTitle } from '../../shared/spec/method-traits.ts';
import { parseHost, worldSize } from '../../shared/spec/parallel-fields.ts';
import type { RunSpec, SpecIssue } from '../../shared/spec/run-spec.ts';
import { issue } from './issue.ts';

/** The parts of a spec that rules look at. */
export type LayoutParts = Pick<RunSpec, 'parallel' | 'batch' | 'hosts'> & Partial<Pick<RunSpec, 'optimizer'>>;

export interface ParallelRule {
  id: string;
  /** What is refused, in words for the table. */
  refused: string;
  /** Why, in words for the table. */
  reason: string;
  /** The issue with its numbers; null when the spec is fine. */
  check(parts: LayoutParts): SpecIssue | null;
}

/** Optimizers that change a weight as soon as its gradient is there: each rank takes one micro-batch. */
export const FUSED_OPTIMIZERS: readonly string[] = ['lomo', 'adalomo'];

const fused: ParallelRule = {
  id: 'fused_update',
  refused: 'LOMO or AdaLomo with `batch.grad_accum_steps` above 1',
  reason:
    'They update each weight as soon as its gradient is there and keep none, so a rank takes one micro-batch in a step.',
  check({ optimizer, batch: { grad_accum_steps: steps, micro_batch_size: size } }) {
    if (!optimizer || !FUSED_OPTIMIZERS.includes(optimizer.type) || steps === 1) return null;
    const title = optimizerTitle(optimizer.type);
    const message = `${title} updates each weight as soon as its gradient is there and keeps none, so ${steps} micro-batches cannot be accumulated.`;
    const fix = `Set batch.grad_accum_steps to 1 and batch.micro_batch_size to ${size * steps}: the same sequences a step.`;
    return issue('batch.grad_accum_steps', 'not_together', message, steps, fix);
  },
};

const sequenceAlone: ParallelRule = {
  id: 'sequence_without_tensor_parallel',
  refused: '`parallel.sequence_parallel` with `parallel.tp_size` 1',
  reason: 'It shares out among tensor-parallel ranks the tokens that each would hold.',
  check({ parallel: { sequence_parallel: on, tp_size: tp } }) {
    if (!on || tp > 1) return null;
    const message =
      'Sequence parallel shares tokens among tensor-parallel ranks; with tp_size 1 there is nobody to share with.';
    return issue(
      'parallel.sequence_parallel',
      'not_together',
      message,
      on,
      'Set it to false, or raise tp_size.',
    );
  },
};

const zeroAlone: ParallelRule = {
  id: 'zero_without_data_parallel',
  refused: '`parallel.zero_stage` above 0 with `parallel.dp_size` 1',
  reason: 'ZeRO shares out among data-parallel ranks what each would hold.',
  check({ parallel: { zero_stage: stage, dp_size: dp } }) {
    if (stage === 0 || dp > 1) return null;
    const message = `ZeRO ${stage} shares out among data-parallel ranks; with dp_size 1 there is nobody to share with.`;
    return issue('parallel.zero_stage', 'not_together', message, stage, 'Set it to 0, or raise dp_size.');
  },
};

const zeroWithStages: ParallelRule = {
  id: 'zero3_with_stages',
  refused: '`parallel.zero_stage` 3 with `parallel.pp_size` above 1',
  reason:
    'The stages of two copies would have to ask for the same layers at the same time, and a stage has only its own share of them anyway.',
  check({ parallel: { zero_stage: stage, pp_size: pp } }) {
    if (stage < 3 || pp === 1) return null;
    const message = `ZeRO 3 puts every layer together when it is computed; ${pp} stages, each in an order of its own, cannot do that together.`;
    const fix = 'Set it to 2: the stages cut the weights already. Or set pp_size to 1.';
    return issue('parallel.zero_stage', 'not_together', message, stage, fix);
  },
};

const chunksAlone: ParallelRule = {
  id: 'chunks_without_stages',
  refused: '`parallel.pipeline_chunks` above 1 with `parallel.pp_size` 1',
  reason: 'Chunks alternate between stages.',
  check({ parallel: { pipeline_chunks: chunks, pp_size: pp } }) {
    if (chunks === 1 || pp > 1) return null;
    const message = `${chunks} chunks per stage alternate between stages; there is one stage.`;
    return issue(
      'parallel.pipeline_chunks',
      'not_together',
      message,
      chunks,
      'Set it to 1, or raise pp_size.',
    );
  },
};

const interleaving: ParallelRule = {
  id: 'interleaving',
  refused: 'interleaved 1F1B with micro-batches of a rank that are no multiple of `parallel.pp_size`',
  reason: 'Stages take micro-batches in groups of as many as there are stages.',
  check({ parallel: { pipeline_chunks: chunks, pp_size: pp }, batch: { grad_accum_steps: own } }) {
    if (chunks === 1 || pp === 1 || own % pp === 0) return null;
    const message = `With ${chunks} chunks per stage the ${own} micro-batches of each rank must be a multiple of the ${pp} stages.`;
    const fix = `Set batch.grad_accum_steps to ${Math.ceil(own / pp) * pp}, or pipeline_chunks to 1.`;
    return issue('parallel.pipeline_chunks', 'not_divisible', message, chunks, fix);
  },
};

const hostNames: ParallelRule = {
  id: 'hosts',
  refused: '`hosts` that are no `name:slots`, or twice the same',
  reason: 'They go to mpirun as they are.',
  check({ hosts }) {
    const wrong = hosts.find((host) => parseHost(host) === null);
    if (wrong !== undefined) {
      const message = `"${wrong}" is no host.`;
      return issue('hosts', 'invalid', message, wrong, 'Write a name or an address and its ranks: node1:8.');
    }
    const names = hosts.map((host) => parseHost(host)?.name ?? '');
    const twice = names.find((name, k) => names.indexOf(name) !== k);
    if (twice === undefined) return null;
    const message = `The host ${twice} is there twice.`;
    return issue('hosts', 'invalid', message, hosts, 'Write it once, with all its ranks.');
  },
};

const slots: ParallelRule = {
  id: 'slots',
  refused: '`hosts` with fewer slots than ranks',
  reason: 'Every rank needs a slot.',
  check({ parallel, hosts }) {
    const there = hosts.reduce((sum, host) => sum + (parseHost(host)?.slots ?? 0), 0);
    const world = worldSize(parallel);
    if (hosts.length === 0 || there >= world) return null;
    const { dp_size, tp_size, pp_size } = parallel;
    const message = `${world} ranks (dp ${dp_size} x tp ${tp_size} x pp ${pp_size}) need as many slots; the hosts have ${there}.`;
    return issue('hosts', 'too_small', message, hosts, 'Add hosts or slots, or lower a parallel size.');
  },
};

export const parallelRules: readonly ParallelRule[] = [
  fused,
  sequenceAlone,
  zeroAlone,
  zeroWithStages,
  chunksAlone,
  interleaving,
  hostNames,
  slots,
];

/** Everything that the rules find. */
export const ruleIssues = (parts: LayoutParts): SpecIssue[] =>
  parallelRules.flatMap((rule) => rule.check(parts) ?? []);
