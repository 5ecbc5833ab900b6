/** What the library holds and what the API speaks of: models, datasets, jobs, devices, exports. */
import { z } from 'zod';
import { errorInfoSchema } from '../error-info.ts';
import { evaluatesSchema } from '../runs/evaluates.ts';
import { parallelSchema } from '../spec/parallel-fields.ts';
import { CHECKPOINTING_LEVELS, mappingSchema, runSpecSchema } from '../spec/run-spec.ts';
import { verdictSchema } from './model-fit.ts';

export const modelCardSchema = z.object({
  id: z.string(),
  name: z.string(),
  /** Folder in Hugging Face layout. */
  path: z.string(),
  /** "import" for copies in the library, "folder" for folders used in place. */
  origin: z.enum(['gguf', 'folder']),
  source: z.string(),
  family: z.string(),
  architecture: z.string(),
  parameters: z.number().int(),
  dtype: z.string(),
  layers: z.number().int(),
  hiddenSize: z.number().int(),
  heads: z.number().int(),
  kvHeads: z.number().int(),
  intermediateSize: z.number().int(),
  contextLength: z.number().int(),
  vocabSize: z.number().int(),
  tiedEmbeddings: z.boolean(),
  sizeBytes: z.number().int(),
  hasChatTemplate: z.boolean(),
  /** What its family has beside a plain Llama, and what does not work with it, in words. */
  traits: z.array(z.string()).default([]),
  limits: z.array(z.string()).default([]),
  /** Linear layers that its files call otherwise, or fuse: `self_attn.q_proj` -> `model.layers.*.self_attn.qkv_proj`. */
  fileModules: z.record(z.string(), z.string()).default({}),
  /** What of its files is not used or fits badly, in sentences. */
  notes: z.array(z.string()).default([]),
  /** Files that the library made or changed, beside links to those of `source`; none: a folder in place, or converted as a whole. */
  made: z.array(z.string()).default([]),
  /** null: can be trained; else why not. */
  problem: errorInfoSchema.nullable(),
  importedAt: z.string(),
});
export type ModelCard = z.infer<typeof modelCardSchema>;

/** How a model writes conversations. */
export const chatTemplateSchema = z.object({
  text: z.string(),
  /** The file it stands in, "built in for ...", or "plain" for a base model. */
  place: z.string(),
  /** Whether it was written here, in place of what the model brings. */
  edited: z.boolean(),
  /** A short conversation as it comes out, and why it does not. */
  example: z.string(),
  problem: z.string().nullable(),
});
export type ChatTemplateInfo = z.infer<typeof chatTemplateSchema>;

export const columnSchema = z.object({ name: z.string(), type: z.string() });

export const datasetCardSchema = z.object({
  id: z.string(),
  name: z.string(),
  source: z.string(),
  format: z.enum(['jsonl', 'json', 'csv', 'parquet', 'arrow', 'text']),
  columns: z.array(columnSchema),
  rows: z.number().int(),
  sizeBytes: z.number().int(),
  /** What was changed while reading the file, in sentences: rows left out, values replaced. */
  notes: z.array(z.string()).default([]),
  /** Saved or guessed column mapping; null when nothing fits and the user must choose. */
  mapping: mappingSchema.nullable(),
  importedAt: z.string(),
});
export type DatasetCard = z.infer<typeof datasetCardSchema>;

/** One row as the model sees it. `segments` keeps ids, texts and flags aligned. */
export const tokenizedRowSchema = z.object({
  ids: z.array(z.number().int()),
  /** Text of each token, bytes that are no whole character shown as U+FFFD. */
  texts: z.array(z.string()),
  /** true: the loss counts this token. */
  trained: z.array(z.boolean()),
  /** Tokens that fall off at `seqLen`, with too_long = truncate. */
  truncated: z.number().int(),
  /** The rendered conversation. */
  rendered: z.string(),
  warnings: z.array(z.string()),
});
export type TokenizedRow = z.infer<typeof tokenizedRowSchema>;

/** Rows that cannot be trained on, of one reason. */
export const unusableRowsSchema = z.object({
  reason: z.string(),
  /** A verb and what follows it: "have a null or blank answer". */
  what: z.string(),
  rows: z.number().int(),
  /** Some of them, counted from 1. */
  examples: z.array(z.number().int()),
  /** What is wrong with the first of them. */
  first: z.string(),
});
export type UnusableRows = z.infer<typeof unusableRowsSchema>;

/** What an import would bring, with its problems, before it is done. */
export const datasetPreviewSchema = datasetCardSchema
  .pick({ format: true, columns: true, rows: true, sizeBytes: true, notes: true, mapping: true })
  .extend({
    /** Rows that the guessed mapping cannot train on; empty without one. */
    unusable: z.array(unusableRowsSchema),
    /** Columns that the guessed mapping does not use, in sentences. */
    unused: z.array(z.string()),
    /** The first rows. */
    sample: z.array(z.record(z.string(), z.unknown())),
  });
export type DatasetPreview = z.infer<typeof datasetPreviewSchema>;

export const tokenStatsSchema = z.object({
  /** Rows that are tokenized; `unusable` ones are not among them. */
  rows: z.number().int(),
  tokens: z.number().int(),
  trainedTokens: z.number().int(),
  min: z.number().int(),
  max: z.number().int(),
  mean: z.number(),
  p50: z.number().int(),
  p95: z.number().int(),
  /** Rows longer than the sequence length. */
  tooLong: z.number().int(),
  /** Rows without one trained token. */
  allMasked: z.number().int(),
  /** Rows whose end-of-turn token fell off. */
  endCutOff: z.number().int(),
  /** By reason; a run refuses them or leaves them out, as `dataset.unusable_rows` says. */
  unusable: z.array(unusableRowsSchema).default([]),
  histogram: z.array(z.object({ from: z.number().int(), to: z.number().int(), count: z.number().int() })),
});
export type TokenStats = z.infer<typeof tokenStatsSchema>;

export const jobSchema = z.object({
  id: z.string(),
  kind: z.enum(['model.import', 'dataset.import', 'dataset.preview', 'dataset.stats', 'export']),
  title: z.string(),
  /** Id of what the work is about (a dataset whose tokens are counted); null where the result says it. */
  subject: z.string().nullable(),
  state: z.enum(['running', 'done', 'failed', 'cancelled']),
  progress: z.number().min(0).max(1).nullable(),
  message: z.string(),
  etaSeconds: z.number().nullable(),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  result: z.unknown(),
  error: errorInfoSchema.nullable(),
});
export type Job = z.infer<typeof jobSchema>;

export const deviceSchema = z.object({
  kind: z.enum(['cpu', 'cuda']),
  index: z.number().int(),
  name: z.string(),
  /** cores for a CPU, multiprocessors for a GPU; null when unknown */
  units: z.number().int().nullable(),
  memoryTotalBytes: z.number().int(),
  /** e.g. ["avx2","f16c"] or ["sm_90"] */
  features: z.array(z.string()),
});
export type Device = z.infer<typeof deviceSchema>;

/** What a list of runs shows of one beside its status. */
export const runSummarySchema = z.object({
  id: z.string(),
  spec: runSpecSchema,
  /** Of the library, beside the run folder: never part of the spec. */
  tags: z.array(z.string()),
  /** What it evaluates, of a run that trains nothing. */
  evaluates: evaluatesSchema.nullable(),
});
export type RunSummary = z.infer<typeof runSummarySchema>;
export const tagSchema = z.string().trim().min(1).max(40);

export const telemetrySchema = z.object({
  timeUs: z.number(),
  /** Share of all cores, 0 to 1. */
  cpuUtil: z.number(),
  memoryUsedBytes: z.number().int(),
  memoryTotalBytes: z.number().int(),
  diskFreeBytes: z.number().int(),
  gpus: z.array(
    z.object({
      index: z.number().int(),
      /** Share of the time with a kernel running, 0 to 1. */
      util: z.number(),
      memoryUsedBytes: z.number().int(),
      memoryTotalBytes: z.number().int(),
      temperatureC: z.number(),
      powerW: z.number(),
    }),
  ),
});
export type Telemetry = z.infer<typeof telemetrySchema>;

/** Forecast of a run before it starts. */
const bytes = z.number().int();

/** A way to lay a run out over ranks, with what it takes. */
export const layoutForecastSchema = z.object({
  parallel: parallelSchema,
  /** The level of activation checkpointing that the forecast is for. */
  checkpointing: z.enum(CHECKPOINTING_LEVELS),
  /** Micro-batches that each data-parallel rank accumulates: with them the global batch is that of the spec. */
  gradAccumSteps: z.number().int(),
  worldSize: z.number().int(),
  /** One for every stage and tp_rank, of dp_rank 0: data-parallel ranks are alike. */
  ranks: z.array(
    z.object({
      rank: z.number().int(),
      stage: z.number().int(),
      tpRank: z.number().int(),
      layers: z.number().int(),
      memory: z.object({
        weightsBytes: bytes,
        gradientsBytes: bytes,
        optimizerBytes: bytes,
        activationsBytes: bytes,
        totalBytes: bytes,
      }),
    }),
  ),
  /** On the fullest device: the heaviest rank of a GPU, all ranks of the host on a CPU. */
  deviceBytes: z.number(),
  availableBytes: z.number(),
  verdict: verdictSchema,
  /** Of one optimizer step, to compare layouts by. */
  time: z.object({
    computeSeconds: z.number(),
    bubbleSeconds: z.number(),
    communicationSeconds: z.number(),
    totalSeconds: z.number(),
    bubbleShare: z.number(),
  }),
});
export type LayoutForecast = z.infer<typeof layoutForecastSchema>;

export const runPreviewSchema = z.object({
  modelName: z.string(),
  trainRows: z.number().int(),
  evalRows: z.number().int(),
  /** null until token statistics are known (rows are tokenized when the run starts). */
  stepsPerEpoch: z.number().int().nullable(),
  totalSteps: z.number().int().nullable(),
  /** The global batch: what a step takes over all data-parallel ranks. `tokens`: at most. */
  globalBatch: z.object({ sequences: z.number().int(), tokens: z.number().int() }),
  totalParams: z.number().int(),
  trainableParams: z.number().int(),
  adapterBytes: z.number().int(),
  memory: z.object({
    weightsBytes: z.number().int(),
    gradientsBytes: z.number().int(),
    optimizerBytes: z.number().int(),
    activationsBytes: z.number().int(),
    totalBytes: z.number().int(),
    availableBytes: z.number().int(),
    verdict: verdictSchema,
  }),
  /** How long it takes, evaluations included. */
  time: z.object({
    /** null: the number of steps is not known yet. */
    seconds: z.number().nullable(),
    stepSeconds: z.number(),
    /** Runs of this machine from which the speed was measured. 0: none yet, the speed is a round number of such hardware. */
    measuredRuns: z.number().int(),
  }),
  /** Live runs on the same device, which this one would share it with. */
  beside: z.array(z.object({ id: z.string(), name: z.string(), etaSeconds: z.number().nullable() })),
  /** Of the ranks; `memory` is that of the fullest device. */
  layout: layoutForecastSchema,
  /** What will happen, in sentences. */
  summary: z.array(z.string()),
  warnings: z.array(z.string()),
});
export type RunPreview = z.infer<typeof runPreviewSchema>;

export const presetSchema = z.object({
  id: z.string(),
  title: z.string(),
  description: z.string(),
  /** Among presets that fit model and machine alike, the lowest is recommended. */
  order: z.number().int(),
  /** A partial RunSpec merged over the form's defaults. */
  spec: z.record(z.string(), z.unknown()),
});
export type Preset = z.infer<typeof presetSchema>;
