/**
 * `collie bench memory`: what each optimizer and each method takes, measured beside the forecast. The paper's study of memory,
 * for one model size at a time (CoLLiE, arXiv 2312.00407).
 */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { CollieError } from '../../shared/errors.ts';
import { withRates } from '../../shared/spec/learning-rates.ts';
import type { MethodType } from '../../shared/spec/methods.ts';
import { optimizerSchema } from '../../shared/spec/optimizers.ts';
import { specFields, variantDefaults } from '../../shared/spec/spec-fields.ts';

export interface MemoryCase {
  method: string;
  optimizer: string;
  quantization: 'none' | 'nf4';
}

export interface MemoryShape {
  /** A folder of a model, or a shape that `collie-rank bench` knows. */
  model: string;
  shape: string;
  precision: 'bf16' | 'fp32';
  batch: number;
  seq: number;
  threads: number;
}

/** Bytes, but for parameters and speed. */
export interface MemoryResult extends MemoryCase {
  trainableParams: number;
  measuredPeak: number;
  forecastTotal: number;
  weights: number;
  gradients: number;
  optimizerState: number;
  activations: number;
  tokensPerSecond: number;
}

const optionsOf = (path: string) =>
  (specFields().find((field) => field.path === path)?.options ?? []).map((option) => option.value);

/** Full fine-tuning under every optimizer, then every other method under AdamW, and LoRA on a 4-bit base. */
export function memoryCases(optimizers: string[] | null, methods: string[] | null): MemoryCase[] {
  const chosen = <T extends string>(path: string, wanted: T[] | null) => {
    const known = optionsOf(path);
    const stray = wanted?.find((name) => !known.includes(name));
    if (stray !== undefined)
      throw new CollieError('request.invalid', `\`${stray}\` is none of ${known.join(', ')}.`);
    return wanted ?? known;
  };
  const cases: MemoryCase[] = chosen('optimizer.type', optimizers).map((optimizer) => ({
    method: 'full',
    optimizer,
    quantization: 'none',
  }));
  for (const method of chosen('method.type', methods)) {
    if (method === 'full') continue;
    cases.push({ method, optimizer: 'adamw', quantization: 'none' });
    if (method === 'lora') cases.push({ method, optimizer: 'adamw', quantization: 'nf4' });
  }
  return cases;
}

interface Summary {
  tokens_per_second: number;
  memory_peak_bytes: number;
  memory: Record<'weights_bytes' | 'gradients_bytes' | 'activations_bytes' | 'optimizer_bytes', number>;
  forecast: { total_bytes: number; trainable_params: number };
}

/** One case in a process of its own: two steps, the first of which warms up. */
export async function measureMemory(
  rank: string,
  { method, optimizer, quantization }: MemoryCase,
  shape: MemoryShape,
): Promise<MemoryResult> {
  const args = [
    'bench',
    shape.model ? '--model' : '--model-shape',
    shape.model || shape.shape,
    '--method-json',
    JSON.stringify(variantDefaults('method.type', method)),
    '--optimizer-json',
    JSON.stringify(withRates(method as MethodType, optimizerSchema.parse({ type: optimizer }))),
    ...['--quantization', quantization, '--precision', shape.precision],
    ...['--batch', `${shape.batch}`, '--seq', `${shape.seq}`, '--threads', `${shape.threads}`],
    ...['--steps', '1', '--warmup', '1', '--json'],
  ];
  const { stdout } = await promisify(execFile)(rank, args, { maxBuffer: 1 << 24 }).catch((thrown) => {
    const { stderr = '', message } = thrown as { stderr?: string; message: string };
    throw new CollieError('rank.died', `${method} with ${optimizer} failed: ${stderr.trim() || message}`);
  });
  const summary = JSON.parse(stdout.trim().split('\n').at(-1) ?? '{}') as Summary;
  return {
    ...{ method, optimizer, quantization },
    trainableParams: summary.forecast.trainable_params,
    measuredPeak: summary.memory_peak_bytes,
    forecastTotal: summary.forecast.total_bytes,
    weights: summary.memory.weights_bytes,
    gradients: summary.memory.gradients_bytes,
    optimizerState: summary.memory.optimizer_bytes,
    activations: summary.memory.activations_bytes,
    tokensPerSecond: summary.tokens_per_second,
  };
}

const mega = (bytes: number) => (bytes / 1e6).toFixed(0);

export const memoryHeading = [
  'method',
  'optimizer',
  'trained',
  'weights',
  'gradients',
  'optimizer',
  'activations',
  'forecast',
  'measured peak',
  'measured / forecast',
  'tokens/s',
];

/** The cells of a row: sizes in MB, trained parameters in millions. */
export function memoryRow(r: MemoryResult): string[] {
  return [
    r.quantization === 'nf4' ? `${r.method}, nf4 base` : r.method,
    r.optimizer,
    `${(r.trainableParams / 1e6).toFixed(r.trainableParams < 1e6 ? 3 : 1)} M`,
    ...[r.weights, r.gradients, r.optimizerState, r.activations, r.forecastTotal, r.measuredPeak].map(mega),
    (r.measuredPeak / r.forecastTotal).toFixed(2),
    r.tokensPerSecond.toFixed(0),
  ];
}

/** For docs/benchmarks.md. */
export function memoryMarkdown(results: MemoryResult[], shape: MemoryShape): string {
  const lines = results.map((result) => `| ${memoryRow(result).join(' | ')} |`);
  return `${[
    `${shape.model || shape.shape}, ${shape.precision}, ${shape.batch} x ${shape.seq} tokens, ${shape.threads} threads; sizes in MB, settings are the defaults.`,
    [`| ${memoryHeading.join(' | ')} |`, `|${' --- |'.repeat(memoryHeading.length)}`, ...lines].join('\n'),
  ].join('\n\n')}\n`;
}
