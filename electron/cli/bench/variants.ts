/** The contestants: our training command, and Hugging Face + PEFT with two memory allocators. */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { rankEnvironment } from '../../server/rank/rank.ts';
import { readEvent } from '../../shared/runs/event-line.ts';
import { runSpecSchema } from '../../shared/spec/run-spec.ts';
import type { ChildCommand, Parsed } from './child.ts';
import { benchModel, type DataKind, rowLengths, writeTokens } from './workload.ts';

export type Precision = 'bf16' | 'fp32';
export type MethodName = 'lora' | 'full';
export type VariantName = 'collie' | 'hf' | 'hf_jemalloc';

/** What one cell of the table measures. */
export interface Cell {
  precision: Precision;
  method: MethodName;
  data: DataKind;
}

export interface Shape {
  batch: number;
  seq: number;
  /** Measured steps; one more warms up. */
  steps: number;
  layers: number;
  threads: number;
}

export interface Programs {
  rank: string;
  python: string;
  baselineScript: string;
  jemalloc: string | null;
}

export const variantTitle: Record<VariantName, string> = {
  collie: 'Collie',
  hf: 'HF + PEFT',
  hf_jemalloc: 'HF + PEFT, jemalloc',
};

const LEARNING_RATE = 1e-4;
const RANK = 16;
const ALPHA = 32;

/** Makes `run` a fresh run folder with the data of a cell. Returns the model's folder, which is kept in `cache`. */
export function prepareCell(cache: string, run: string, cell: Cell, shape: Shape, seed: number): string {
  const model = benchModel(cache, shape.layers);
  rmSync(run, { recursive: true, force: true });
  for (const folder of ['data', 'events', 'logs', 'checkpoints', 'samples'])
    mkdirSync(join(run, folder), { recursive: true });
  const lengths = rowLengths(cell.data, shape.batch, shape.seq, shape.steps + 1, seed);
  writeTokens(join(run, 'data'), cell.data, lengths, seed);
  writeFileSync(join(run, 'data/samples.json'), '[]\n');
  writeFileSync(join(run, 'spec.json'), `${JSON.stringify(ourSpec(model, cell, shape), null, 2)}\n`);
  return model;
}

/** What `collie-rank train` gets. */
export function ourSpec(model: string, cell: Cell, shape: Shape) {
  return runSpecSchema.parse({
    name: 'bench',
    model,
    dataset: {
      train: join(model, 'no-file-tokens-are-in-the-store'),
      eval_fraction: 0,
      mapping: { kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' },
    },
    method: cell.method === 'lora' ? { type: 'lora', rank: RANK, alpha: ALPHA } : { type: 'full' },
    optimizer: { type: 'adamw', learning_rate: LEARNING_RATE },
    schedule: { type: 'constant', warmup_ratio: 0 },
    batch: { micro_batch_size: shape.batch, grad_accum_steps: 1, seq_len: shape.seq },
    // One more than measured: the process is ended before it saves.
    duration: { unit: 'steps', value: shape.steps + 2 },
    precision: cell.precision,
    threads: shape.threads,
    checkpoint: { every_steps: 0 },
  });
}

const threadsEnv = (threads: number) => ({
  OMP_NUM_THREADS: String(threads),
  MKL_NUM_THREADS: String(threads),
});

/** The process of one variant on a prepared cell: our run folder, which the baseline reads as well, and the model. */
export function variantCommand(
  variant: VariantName,
  run: string,
  model: string,
  cell: Cell,
  shape: Shape,
  programs: Programs,
): ChildCommand {
  const common = { title: variantTitle[variant], steps: shape.steps + 1 };
  if (variant === 'collie')
    return {
      ...common,
      program: programs.rank,
      args: ['train', '--run', run],
      env: { ...threadsEnv(shape.threads), ...rankEnvironment() },
      parse: parseOurs,
      eventFile: join(run, 'events/rank-000.jsonl'),
    };
  const preload = variant === 'hf_jemalloc' && programs.jemalloc ? { LD_PRELOAD: programs.jemalloc } : {};
  const flags = {
    model,
    data: join(run, 'data'),
    method: cell.method,
    precision: cell.precision,
    batch: shape.batch,
    steps: shape.steps + 1,
    threads: shape.threads,
    rank: RANK,
    alpha: ALPHA,
    'learning-rate': LEARNING_RATE,
  };
  return {
    ...common,
    program: programs.python,
    args: [
      programs.baselineScript,
      ...Object.entries(flags).flatMap(([key, value]) => [`--${key}`, String(value)]),
    ],
    env: { ...threadsEnv(shape.threads), ...preload, HF_HUB_OFFLINE: '1', TOKENIZERS_PARALLELISM: 'false' },
    parse: parseBaseline,
    eventFile: null,
  };
}

export function parseOurs(line: string): Parsed {
  const event = readEvent(line);
  if (event?.type === 'started') return { info: event.payload };
  if (event?.type !== 'step') return null;
  const { tokens, loss } = event.payload.metrics;
  return { timeUs: event.timeUs, tokens: tokens ?? Number.NaN, loss: loss ?? Number.NaN };
}

export function parseBaseline(line: string): Parsed {
  if (!line.startsWith('{')) return null;
  const record = JSON.parse(line) as Record<string, unknown>;
  if (record.type === 'info') return { info: record };
  if (record.type !== 'step') return null;
  return { timeUs: Number(record.time_us), tokens: Number(record.tokens), loss: Number(record.loss) };
}
