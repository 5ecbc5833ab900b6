/**
 * `collie bench cpu`: our training step against Hugging Face transformers + PEFT on this machine, interleaved.
 * `collie bench memory`: what every optimizer and method takes, beside the forecast.
 */
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { type Command, InvalidArgumentError } from 'commander';
import { gemmNow } from '../server/machine/gemm.ts';
import { installRoot, rankExecutable } from '../server/native/addon.ts';
import { flopsPerToken } from '../server/spec/run-flops.ts';
import { CollieError } from '../shared/errors.ts';
import { runChild } from './bench/child.ts';
import { registerGemm } from './bench/gemm.ts';
import { registerGenerate } from './bench/generate-command.ts';
import {
  type MemoryResult,
  measureMemory,
  memoryCases,
  memoryHeading,
  memoryMarkdown,
  memoryRow,
} from './bench/memory.ts';
import { checkPython, ensureVenv, findJemalloc } from './bench/python.ts';
import {
  type BenchReport,
  bestAgainstBest,
  type CellResult,
  cellTitle,
  describeMachine,
  markdown,
  type Round,
  table,
} from './bench/report.ts';
import {
  type Cell,
  type MethodName,
  ourSpec,
  type Precision,
  type Programs,
  prepareCell,
  type Shape,
  type VariantName,
  variantCommand,
  variantTitle,
} from './bench/variants.ts';
import type { DataKind } from './bench/workload.ts';
import { wholeNumber } from './options.ts';
import { exitCodes, printError, printJson } from './output.ts';

interface Options {
  precision: Precision[];
  method: MethodName[];
  data: DataKind[];
  batch: number;
  seq: number;
  steps: number;
  rounds: number;
  layers: number;
  threads: number;
  python?: string;
  jemalloc?: string;
  out?: string;
  markdown?: string;
}

/** A parser of comma-separated choices. */
const choices =
  <T extends string>(...allowed: T[]) =>
  (text: string): T[] => {
    const values = text.split(',') as T[];
    const stray = values.find((value) => !allowed.includes(value));
    if (stray !== undefined) throw new InvalidArgumentError(`\`${stray}\` is none of ${allowed.join(', ')}.`);
    return values;
  };

const count = wholeNumber(1, 1_000_000);

export function registerBench(program: Command): void {
  const bench = program.command('bench').description('Measure this machine');
  registerMemory(bench, program);
  registerGemm(bench, program);
  registerGenerate(bench, program);
  bench
    .command('cpu')
    .description(
      'Training steps of Collie against Hugging Face transformers + PEFT: speed and peak memory as ratios',
    )
    .option('--precision <list>', 'bf16, fp32 or both', choices('bf16', 'fp32'), ['bf16', 'fp32'])
    .option('--method <list>', 'lora, full or both', choices('lora', 'full'), ['lora'])
    .option('--data <list>', 'unpadded, ragged or both', choices('unpadded', 'ragged'), [
      'unpadded',
      'ragged',
    ])
    .option('--batch <n>', 'rows of a step', count, 4)
    .option('--seq <n>', 'most tokens of a row', count, 512)
    .option('--steps <n>', 'measured steps of a process, after one that warms up', count, 3)
    .option('--rounds <n>', 'rounds; each contestant runs once per round', count, 3)
    .option('--layers <n>', 'layers of the model (30: SmolLM2-135M)', count, 30)
    .option('--threads <n>', 'threads of each process', count, availableParallelism())
    .option('--python <path>', 'a Python with torch, transformers and peft (default: one is set up)')
    .option('--jemalloc <path>', 'libjemalloc.so.2 to preload (default: looked for in system folders)')
    .option('--out <file>', 'write every measurement as JSON')
    .option('--markdown <file>', 'write the tables')
    .action(async (options: Options) => {
      const json = program.opts<{ json?: boolean }>().json ?? false;
      try {
        const report = await benchCpu(
          options,
          json ? () => {} : (text: string) => process.stdout.write(`${text}\n`),
        );
        if (json) printJson(report);
      } catch (thrown) {
        printError(thrown, json);
        process.exitCode = exitCodes.failed;
      }
    });
}

interface MemoryOptions {
  model: string;
  shape: string;
  precision: Precision;
  optimizers: string[] | null;
  methods: string[] | null;
  batch: number;
  seq: number;
  threads: number;
  out?: string;
  markdown?: string;
}

const names = (text: string): string[] => text.split(',').filter(Boolean);

function registerMemory(bench: Command, program: Command): void {
  bench
    .command('memory')
    .description('Peak memory of a training step with every optimizer and method, beside the forecast')
    .option('--model <folder>', 'a Hugging Face folder (default: random weights in the shape below)', '')
    .option('--shape <name>', 'smollm2-135m, 1b or 8b', 'smollm2-135m')
    .option('--precision <name>', 'bf16 or fp32', 'bf16')
    .option('--optimizers <list>', 'optimizers of full fine-tuning (default: all)', names, null)
    .option('--methods <list>', 'methods, under AdamW (default: all)', names, null)
    .option('--batch <n>', 'rows of a step', count, 1)
    .option('--seq <n>', 'tokens of a row', count, 256)
    .option('--threads <n>', 'threads', count, availableParallelism())
    .option('--out <file>', 'write every measurement as JSON')
    .option('--markdown <file>', 'write the table')
    .action(async (options: MemoryOptions) => {
      const json = program.opts<{ json?: boolean }>().json ?? false;
      try {
        const rank = findRank();
        const results: MemoryResult[] = [];
        const cases = memoryCases(options.optimizers, options.methods);
        if (!json) process.stdout.write(`${memoryHeading.join('  ')}\n`);
        for (const one of cases) {
          const result = await measureMemory(rank, one, options);
          results.push(result);
          if (!json)
            process.stdout.write(`[${results.length}/${cases.length}] ${memoryRow(result).join('  ')}\n`);
        }
        if (json) printJson(results);
        if (options.out) writeFileSync(options.out, `${JSON.stringify(results, null, 2)}\n`);
        if (options.markdown) writeFileSync(options.markdown, memoryMarkdown(results, options));
      } catch (thrown) {
        printError(thrown, json);
        process.exitCode = exitCodes.failed;
      }
    });
}

type Say = (text: string) => void;

async function benchCpu(options: Options, say: Say): Promise<BenchReport> {
  const programs = await findPrograms(options, say);
  const { batch, seq, steps, layers, threads } = options;
  const shape: Shape = { batch, seq, steps, layers, threads };
  const machine = describeMachine();
  say(`${machine.cpu}, ${machine.cores} cores, ${machine.features.join(' ') || 'features unknown'}`);

  const cells = options.method.flatMap((method) =>
    options.data.flatMap((data) => options.precision.map((precision): Cell => ({ precision, method, data }))),
  );
  const work = join(cacheFolder(), `work-${process.pid}`);
  const results: CellResult[] = [];
  try {
    for (const cell of cells) {
      const result = await measureCell(cell, shape, options.rounds, programs, work, say);
      results.push(result);
      say(`\n${table(result)}\n`);
    }
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
  const report: BenchReport = {
    v: 1,
    date: new Date().toISOString(),
    machine,
    shape,
    notes: notes(results, programs),
    cells: results,
  };
  for (const note of report.notes) say(note);
  if (options.out) writeFileSync(options.out, `${JSON.stringify(report, null, 2)}\n`);
  if (options.markdown) writeFileSync(options.markdown, markdown(report));
  return report;
}

const cacheFolder = () => join(installRoot(), 'native/.deps/bench');

function findRank(): string {
  const rank = rankExecutable();
  if (existsSync(rank)) return rank;
  throw new CollieError(
    'engine.not_built',
    `The engine is missing: ${rank}`,
    'Run `node native/setup.mjs` to build it.',
  );
}

async function findPrograms(options: Options, say: Say): Promise<Programs> {
  const rank = findRank();
  const scripts = join(installRoot(), 'tests/bench');
  const baselineScript = join(scripts, 'hf_peft_step.py');
  if (!existsSync(baselineScript))
    throw new CollieError(
      'file.not_found',
      `The baseline script is missing: ${baselineScript}`,
      'Run the benchmark from a checkout of the sources; the packaged app does not carry it.',
    );
  if (options.jemalloc && !existsSync(options.jemalloc))
    throw new CollieError('file.not_found', `There is no jemalloc at ${options.jemalloc}`);
  const python = options.python
    ? resolve(options.python)
    : await ensureVenv(
        join(installRoot(), 'native/.deps/bench-venv'),
        join(scripts, 'requirements.txt'),
        (line) => say(`  ${line}`),
      );
  checkPython(python);
  return { rank, python, baselineScript, jemalloc: options.jemalloc ?? findJemalloc() };
}

/** All contestants take turns, so that a busy minute of the machine meets each of them alike. */
async function measureCell(
  cell: Cell,
  shape: Shape,
  roundCount: number,
  programs: Programs,
  work: string,
  say: Say,
): Promise<CellResult> {
  const variants: VariantName[] = programs.jemalloc ? ['collie', 'hf', 'hf_jemalloc'] : ['collie', 'hf'];
  const rounds: Round[] = [];
  say(`\n${cellTitle(cell)}`);
  for (let round = 0; round < roundCount; round++) {
    const results: Round['results'] = {};
    const gemm = await gemmNow('cpu', cell.precision, shape.threads);
    const measured: Round = { results };
    for (const variant of variants) {
      const model = prepareCell(cacheFolder(), work, cell, shape, 1 + round);
      const result = await runChild(variantCommand(variant, work, model, cell, shape, programs));
      results[variant] = result;
      if (variant === 'collie')
        measured.gemmShare =
          (flopsPerToken(work, ourSpec(model, cell, shape)) * result.tokensPerSecond) / gemm.flops_per_second;
      const memory = result.peakBytes === null ? '' : `, ${(result.peakBytes / 1e9).toFixed(2)} GB`;
      const turn = `round ${round + 1} of ${roundCount}`;
      say(`  ${turn}  ${variantTitle[variant]}: ${result.tokensPerSecond.toFixed(1)} tokens/s${memory}`);
    }
    rounds.push(measured);
  }
  return { cell, rounds };
}

function notes(results: CellResult[], programs: Programs): string[] {
  const infos = results.flatMap(({ rounds }) => rounds.map(({ results }) => results.hf?.info ?? {}));
  const info = infos.find((candidate) => candidate.torch) ?? {};
  const versions = [`torch ${info.torch}`, `transformers ${info.transformers}`];
  if (info.peft) versions.push(`peft ${info.peft}`);
  const list = [
    ...bestAgainstBest(results),
    `Baseline: ${versions.join(', ')}; torch uses ${info.cpu_capability}.`,
  ];
  list.push(
    programs.jemalloc
      ? `jemalloc: ${programs.jemalloc}, its defaults.`
      : 'No jemalloc was found, so the baseline ran with the system allocator only (Debian: apt-get install libjemalloc2).',
  );
  if (results.every(({ rounds }) => rounds.every((round) => round.results.collie?.peakBytes === null)))
    list.push('Peak memory is read from /proc, which this system lacks.');
  return list;
}
