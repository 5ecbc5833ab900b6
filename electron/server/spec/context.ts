/** What checking and previewing a spec needs to know of the world, and what it has found out. */
import { freemem } from 'node:os';
import type { Device, ModelCard } from '../../shared/api/entities.ts';
import type { SpecIssue } from '../../shared/spec/run-spec.ts';
import type { CallbackService } from '../callbacks/service.ts';
import type { DatasetSource } from '../datasets/folder.ts';
import type { LengthCache } from '../datasets/lengths.ts';
import type { DatasetLibrary } from '../datasets/library.ts';
import type { AllowedJudges } from '../judge/allowed.ts';
import { type EngineBuild, type NativeAddon, native } from '../native/addon.ts';
import type { MeasuredRun } from '../runs/measured.ts';
import type { ChatTokenizer } from '../tokenize/chat-tokenizer.ts';

export interface SpecContext {
  /** What `model` means; throws model.* errors. */
  resolveModel(reference: string, base: string): Promise<{ path: string; card: ModelCard }>;
  datasets: DatasetLibrary;
  lengths: LengthCache;
  /** Planner and devices of the addon; throw engine.not_built. */
  planner: Pick<
    NativeAddon,
    'planMemory' | 'planLayout' | 'tensorParallelSizes' | 'planEpochSequences' | 'devices'
  >;
  /** Path of the launcher of several ranks; throws setup.failed. */
  mpirun(): string;
  /** Path of the engine for a kind of device; throws engine.not_built. */
  engine(build: EngineBuild): string;
  /** Bytes a new process can use without swapping. */
  freeMemoryBytes(): number;
  /** Speeds that runs have reached here, newest first. */
  measuredRuns(): MeasuredRun[];
  /** Reads callbacks, and loads those that are approved. */
  callbacks: Pick<CallbackService, 'check'>;
  /** Which judges the user has allowed. */
  judges: Pick<AllowedJudges, 'has'>;
  /** Relative paths of a spec start here. */
  base: string;
}

/** The addon, loaded when first asked. */
export const nativePlanner: SpecContext['planner'] = {
  planMemory: (config, spec) => native((addon) => addon.planMemory(config, spec)),
  planLayout: (config, spec, threads) => native((addon) => addon.planLayout(config, spec, threads)),
  tensorParallelSizes: (config, most) => native((addon) => addon.tensorParallelSizes(config, most)),
  planEpochSequences: (lengths, shape, seed, epoch) =>
    native((addon) => addon.planEpochSequences(lengths, shape, seed, epoch)),
  devices: () => native((addon) => addon.devices()),
};

/** Free memory of the machine, or of the container this runs in when that is less. */
export function freeMemoryBytes(): number {
  const available = (process as { availableMemory?: () => number }).availableMemory?.();
  return available === undefined || available <= 0 ? freemem() : Math.min(freemem(), available);
}

/** What a spec refers to, as far as it could be found. */
export interface Found {
  model: { path: string; card: ModelCard } | null;
  tokenizer: ChatTokenizer | null;
  train: DatasetSource | null;
  eval: DatasetSource | null;
  /** Data of the named evaluation sets, in their order. */
  sets: (DatasetSource | null)[];
  devices: Device[];
}

/** Issues stop a run, warnings do not. Both belong to a field. */
export interface Findings {
  issues: SpecIssue[];
  warnings: SpecIssue[];
}
