/** Layouts of a run: what one takes, and all that a number of devices allows, the best first. */
import { availableParallelism } from 'node:os';
import type { Device, LayoutForecast } from '../../shared/api/entities.ts';
import { toErrorInfo } from '../../shared/errors.ts';
import {
  type ParallelSpec,
  parseHost,
  placeOf,
  ranksPerHost,
  threadsPerRank,
  worldSize,
} from '../../shared/spec/parallel-fields.ts';
import { ruleIssues } from '../../shared/spec/rules.ts';
import {
  CHECKPOINTING_LEVELS,
  type CheckpointingLevel,
  type RunSpec,
  type SpecIssue,
} from '../../shared/spec/run-spec.ts';
import type { RankForecast } from '../native/addon.ts';
import { allotment } from '../rank/batch-system.ts';
import type { SpecContext } from './context.ts';
import { hostIssues } from './host-rules.ts';
import { issue } from './issue.ts';
import { stepTime } from './step-time.ts';

/** A forecast above this share of the available memory is tight. */
export const TIGHT = 0.85;

export interface Machine {
  planner: Pick<SpecContext['planner'], 'planLayout' | 'tensorParallelSizes'>;
  devices: readonly Device[];
  freeMemoryBytes(): number;
}

export const verdictOf = (needed: number, available: number): LayoutForecast['verdict'] =>
  needed > available ? 'does_not_fit' : needed > TIGHT * available ? 'tight' : 'fits';

const ownDevice = ({ device }: RunSpec, devices: readonly Device[]) =>
  devices.find(({ kind }) => kind === device);

/** Memory that one device has for its ranks; the CPU is one device for all of them. */
function availableBytes(spec: RunSpec, machine: Machine): number {
  if (spec.device === 'cpu') return machine.freeMemoryBytes();
  return ownDevice(spec, machine.devices)?.memoryTotalBytes ?? 0;
}

/** Bytes on the fullest device: the heaviest rank on a GPU, all ranks of the fullest host on a CPU. */
function deviceBytes(spec: RunSpec, ranks: readonly RankForecast[], here: number): number {
  if (spec.device === 'cuda') return ranks.reduce((most, { memory }) => Math.max(most, memory.totalBytes), 0);
  const { parallel, hosts } = spec;
  // Ranks of other dp_ranks are alike. Hosts are filled in their order.
  const sizes = new Map(ranks.map(({ stage, tpRank, memory }) => [`${stage} ${tpRank}`, memory.totalBytes]));
  const loads: number[] = [];
  let [host, left] = [0, slotsOf(hosts[0], here)];
  for (let rank = 0; rank < worldSize(parallel); rank += 1) {
    if (left === 0) {
      host += 1;
      left = slotsOf(hosts[host], here);
    }
    const { stage, tpRank } = placeOf(parallel, rank);
    loads[host] = (loads[host] ?? 0) + (sizes.get(`${stage} ${tpRank}`) ?? 0);
    left -= 1;
  }
  return Math.max(...loads);
}

/** Of a host of the spec; without any, hosts are alike. */
const slotsOf = (host: string | undefined, here: number): number =>
  Math.max(1, host === undefined ? here : (parseHost(host)?.slots ?? 1));

/** Most ranks that a host has, and the cores of each. */
function ranksHere({ parallel, hosts }: RunSpec): { here: number; cores: number } {
  const world = worldSize(parallel);
  const allotted = allotment(hosts);
  if (allotted) return { here: Math.ceil(world / allotted.hosts), cores: allotted.coresPerRank };
  const here = ranksPerHost(world, hosts);
  return { here, cores: threadsPerRank(availableParallelism(), here) };
}

/**
 * Activation checkpointing `auto` takes the first level with which the run fits, the last where none does (as fitting_checkpointing in
 * native/engine/train/session.cpp). Throws spec.invalid, with its issues, when the model cannot be cut that way.
 */
export function forecastLayout(configJson: string, spec: RunSpec, machine: Machine): LayoutForecast {
  const at = (activation_checkpointing: CheckpointingLevel) =>
    forecastAt(activation_checkpointing, configJson, { ...spec, activation_checkpointing }, machine);
  if (spec.activation_checkpointing !== 'auto') return at(spec.activation_checkpointing);
  let forecast = at('off');
  for (const level of CHECKPOINTING_LEVELS.slice(1)) if (forecast.verdict !== 'fits') forecast = at(level);
  return forecast;
}

function forecastAt(
  checkpointing: CheckpointingLevel,
  configJson: string,
  spec: RunSpec,
  machine: Machine,
): LayoutForecast {
  const { parallel } = spec;
  const { here, cores } = ranksHere(spec);
  const threads = spec.threads > 0 ? spec.threads : cores;
  const ranks = machine.planner.planLayout(configJson, JSON.stringify(spec), threads);
  const needed = deviceBytes(spec, ranks, here);
  const available = availableBytes(spec, machine);
  return {
    parallel,
    checkpointing,
    gradAccumSteps: spec.batch.grad_accum_steps,
    worldSize: worldSize(parallel),
    ranks: ranks.map(({ rank, stage, tpRank, layers, memory }) => ({ rank, stage, tpRank, layers, memory })),
    deviceBytes: needed,
    availableBytes: available,
    verdict: verdictOf(needed, available),
    time: stepTime(spec, ranks, ownDevice(spec, machine.devices), here),
  };
}

/** Why the model cannot be cut as the spec says: the issues of the engine's refusal. */
export function refusalIssues(thrown: unknown): SpecIssue[] {
  const { code, message, hint, data } = toErrorInfo(thrown);
  if (code === 'spec.invalid' && Array.isArray(data.issues)) return data.issues as SpecIssue[];
  return [issue('', code, message, undefined, hint)];
}

/** Every way to write a number of ranks as dp x tp x pp with a ZeRO stage, with and without sequence parallelism. */
export function gridsOf(ranks: number, tpSizes: readonly number[]): Partial<ParallelSpec>[] {
  const found: Partial<ParallelSpec>[] = [];
  for (const tp_size of tpSizes.filter((tp) => ranks % tp === 0))
    for (let pp_size = 1; pp_size <= ranks / tp_size; pp_size += 1) {
      const dp_size = ranks / tp_size / pp_size;
      if (!Number.isInteger(dp_size)) continue;
      const stages = dp_size === 1 ? [0] : pp_size === 1 ? [0, 1, 2, 3] : [0, 1, 2];
      for (const zero_stage of stages)
        for (const sequence_parallel of tp_size > 1 ? [false, true] : [false])
          found.push({ dp_size, tp_size, pp_size, zero_stage, sequence_parallel });
    }
  return found;
}

const order: readonly LayoutForecast['verdict'][] = ['fits', 'tight', 'does_not_fit'];

/**
 * What is left of the spec's own settings when another grid is tried: those of one certain pipeline only with as many stages, and
 * accumulation so that the global batch stays as it is.
 */
const withGrid = (spec: RunSpec, grid: Partial<ParallelSpec>): RunSpec => ({
  ...spec,
  batch: {
    ...spec.batch,
    grad_accum_steps: (spec.batch.grad_accum_steps * spec.parallel.dp_size) / (grid.dp_size ?? 1),
  },
  parallel: {
    ...spec.parallel,
    ...(grid.pp_size === spec.parallel.pp_size ? {} : { pipeline_layers: [] }),
    ...(grid.pp_size === 1 ? { pipeline_chunks: 1 } : {}),
    ...grid,
  },
});

/** All layouts of so many ranks that the spec and its global batch allow: those that fit first, then the fastest, then the smallest. */
export function rankLayouts(
  configJson: string,
  spec: RunSpec,
  ranks: number,
  machine: Machine,
): LayoutForecast[] {
  const forecasts = gridsOf(
    ranks,
    machine.planner.tensorParallelSizes(configJson, Math.min(ranks, 64)),
  ).flatMap((grid) => {
    const candidate = withGrid(spec, grid);
    if (!Number.isInteger(candidate.batch.grad_accum_steps)) return [];
    if (ruleIssues(candidate).length + hostIssues(candidate).length > 0) return [];
    try {
      return [forecastLayout(configJson, candidate, machine)];
    } catch (thrown) {
      if (toErrorInfo(thrown).code === 'spec.invalid') return []; // Fewer layers than stages, and the like.
      throw thrown;
    }
  });
  return forecasts.sort(
    (a, b) =>
      order.indexOf(a.verdict) - order.indexOf(b.verdict) ||
      a.time.totalSeconds - b.time.totalSeconds ||
      a.deviceBytes - b.deviceBytes,
  );
}
