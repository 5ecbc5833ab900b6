/**
 * The native addon (native/addon): torch-free work in the host's own process. Typed here, implemented in C++.
 * Errors thrown by the addon are CollieErrors: it throws objects with `collie` = ErrorInfo, unwrapped by `native()`.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Device, Telemetry } from '../../shared/api/entities.ts';
import { errorInfoSchema } from '../../shared/error-info.ts';
import { CollieError, type ErrorInfo } from '../../shared/errors.ts';
import type { SpecIssue } from '../../shared/spec/run-spec.ts';

export interface GgufInfo {
  architecture: string;
  /** Every metadata key; arrays of any length are included (tokenizer.ggml.tokens, merges, ...). */
  metadata: Record<string, unknown>;
  tensors: { name: string; shape: number[]; type: string; bytes: number }[];
}

export interface ModelSummary {
  family: string;
  architecture: string;
  parameters: number;
  /** Most common dtype of the tensors: BF16, F16, F32, ... */
  dtype: string;
  layers: number;
  hiddenSize: number;
  heads: number;
  kvHeads: number;
  intermediateSize: number;
  contextLength: number;
  vocabSize: number;
  tiedEmbeddings: boolean;
  /** Bytes of the weight files. */
  sizeBytes: number;
  /** What the family has beside a plain Llama, and what does not work with it, in words. */
  traits: string[];
  limits: string[];
  /** Linear layers that the files call otherwise or fuse, "*" for the layer. */
  fileModules: Record<string, string>;
  /** Tensors that the weight files have and the architecture has not. */
  unusedTensors: string[];
}

/** What makes up a sequence. */
export interface SequenceShape {
  seqLen: number;
  packing: boolean;
}

export interface MemoryForecast {
  weightsBytes: number;
  gradientsBytes: number;
  optimizerBytes: number;
  /** Workspaces and the kernels' scratch. */
  activationsBytes: number;
  /** All of the above, and what the process takes with its libraries. */
  totalBytes: number;
  totalParams: number;
  trainableParams: number;
  adapterBytes: number;
}

/** What a layout asks of one rank; data-parallel ranks are alike, so there is one for every stage and tp_rank. */
export interface RankForecast {
  rank: number;
  stage: number;
  tpRank: number;
  layers: number;
  memory: RankMemory;
  /** Forward and backward, recomputation included. */
  flopsPerToken: number;
  /** Bytes that it sends in one optimizer step. */
  traffic: { tensor: number; pipeline: number; data: number };
}

export type RankMemory = Omit<MemoryForecast, 'totalParams' | 'trainableParams' | 'adapterBytes'>;

/** null: what this GPU or its driver does not tell. */
export interface GpuReading {
  index: number;
  /** "GPU-..."; empty where the driver does not tell. */
  uuid: string;
  /** Share of the last sampling interval with a kernel running. */
  util: number | null;
  memoryUsedBytes: number | null;
  temperatureC: number | null;
  powerW: number | null;
  /** Since its driver was loaded. */
  energyJ: number | null;
  /** Of processes that compute on it, as the driver numbers them. */
  pids: number[];
}

export interface TokenStoreWriter {
  /** @param weights of the tokens in the loss; left out or null: all 1. */
  append(ids: Uint32Array, mask: Uint8Array, weights?: Float32Array | null): void;
  finish(): void;
}

/** Lines of steps read by their form (native/core/formats/step_lines.h). */
export interface NativeStepLines {
  /** What stands before each number of a line, where in its row that number goes (1 `seq`, 2 `step`, 3 `timeUs`, then the metrics), and what the line ends with. */
  learn(befores: readonly string[], places: Uint32Array, end: string): void;
  /**
   * Reads lines from a line's start until one is of no known form, and passes over those with a known end. Fills in row after row: the form, counted from 0,
   * then its numbers, NaN for null; answers how many numbers that are.
   */
  read(bytes: Uint8Array, from: number, rows: Float64Array): number;
  /** Where it stopped: a line's start, or the end. */
  readonly position: number;
}

export interface NativeAddon {
  version(): string;
  /** Reads header and metadata only. */
  ggufInfo(path: string): GgufInfo;
  /**
   * Dequantizes every tensor to bf16 and writes <outDir>/model.safetensors with Hugging Face names, and <outDir>/config.json.
   * Runs on a worker thread. When onProgress returns false the conversion ends with job.cancelled.
   */
  ggufConvert(path: string, outDir: string, onProgress: (fraction: number) => boolean): Promise<void>;
  /** Checks config.json and the headers of all weight files (names, shapes, dtypes, lengths) on a thread of its own; rejects with what is wrong. */
  modelSummary(folder: string): Promise<ModelSummary>;
  devices(): Device[];
  /** As NVIDIA's driver sees them now; empty without one. */
  gpus(): GpuReading[];
  telemetry(diskPath: string): Telemetry;
  /** Sequences of one epoch (see native/core/recipe/batch_plan.h); lengths in tokens per document. */
  planEpochSequences(lengths: Uint32Array, shape: SequenceShape, seed: number, epoch: number): number;
  tokenStoreWriter(dataDir: string, split: string): TokenStoreWriter;
  /** Missing in the addon of an older build. */
  stepLines?(passedOver: readonly string[]): NativeStepLines;
  /** Forecast for a resolved spec (JSON text) on a model's config.json (JSON text). */
  planMemory(configJson: string, specJson: string): MemoryForecast;
  /** Forecast of every rank of a resolved spec's layout; `threads` of one rank. Throws spec.invalid when the model cannot be cut that way. */
  planLayout(configJson: string, specJson: string, threads: number): RankForecast[];
  /** What the engine's rules find in a spec: the same as ruleIssues() of shared/spec/rules.ts. */
  ruleRefusals(specJson: string): SpecIssue[];
  /** Rows of the engine's objectives: the same as in shared/spec/objectives.ts. */
  objectives(): { type: string; documents: number; reference: boolean }[];
  /** Tensor-parallel degrees up to `most` that the model's heads allow. */
  tensorParallelSizes(configJson: string, most: number): number[];
}

/** The root of the installation: the folder that holds dist/ or, in development, electron/. */
export function installRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder);
  return folder;
}

/** Which build of the engine: that for CUDA computes on the CPU too, and takes seconds longer to start. */
export type EngineBuild = 'cpu' | 'cuda';

const buildDir = () => process.env.COLLIE_BUILD_DIR ?? resolve(installRoot(), 'native/build/cpu-release');

// Who names a build of his own has one for everything, unless he names two.
const cudaBuildDir = () =>
  process.env.COLLIE_CUDA_BUILD_DIR ??
  process.env.COLLIE_BUILD_DIR ??
  resolve(installRoot(), 'native/build/cuda-release');

/** Where collie-rank is, or would be: $COLLIE_RANK, or that of the build. */
export const rankExecutable = (build: EngineBuild = 'cpu') =>
  process.env.COLLIE_RANK ?? join(build === 'cuda' ? cudaBuildDir() : buildDir(), 'rank/collie-rank');
export const addonPath = () => process.env.COLLIE_ADDON ?? join(buildDir(), 'addon/collie_native.node');

let loaded: NativeAddon | null = null;

/** Loads the addon once. Throws engine.not_built with the command that builds it. */
export function nativeAddon(): NativeAddon {
  if (loaded) return loaded;
  const path = addonPath();
  if (!existsSync(path))
    throw new CollieError(
      'engine.not_built',
      `The native addon is missing: ${path}`,
      'Run `node native/setup.mjs` to build it.',
      { path },
    );
  loaded = createRequire(import.meta.url)(path) as NativeAddon;
  return loaded;
}

/** Runs an addon call and turns what it throws into a CollieError. */
export function native<T>(call: (addon: NativeAddon) => T): T {
  try {
    const result = call(nativeAddon());
    return result instanceof Promise
      ? (result.catch((thrown) => Promise.reject(asCollieError(thrown))) as T)
      : result;
  } catch (thrown) {
    throw asCollieError(thrown);
  }
}

function asCollieError(thrown: unknown): unknown {
  const info = (thrown as { collie?: ErrorInfo } | null)?.collie;
  const parsed = errorInfoSchema.safeParse(info);
  return parsed.success ? CollieError.fromInfo(parsed.data) : thrown;
}
