/** From measurements to ratios, a table for people, and a snippet for docs/benchmarks.md. */

import { readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import type { ChildResult } from './child.ts';
import { type Cell, type Shape, type VariantName, variantTitle } from './variants.ts';

export interface Round {
  /** By variant; a variant that is not on this machine is missing. */
  results: Partial<Record<VariantName, ChildResult>>;
  /** Of the time that its model FLOPs would take at the speed of matrix products alone, measured in this round, over the time that Collie took. */
  gemmShare?: number;
}

export interface CellResult {
  cell: Cell;
  rounds: Round[];
}

export interface Machine {
  cpu: string;
  features: string[];
  cores: number;
  memoryBytes: number;
  kernel: string;
  node: string;
}

export interface BenchReport {
  v: 1;
  date: string;
  machine: Machine;
  shape: Shape;
  notes: string[];
  cells: CellResult[];
}

export interface Spread {
  min: number;
  median: number;
  max: number;
}

export function spread(values: number[]): Spread | null {
  const sorted = values.filter(Number.isFinite).sort((a, b) => a - b);
  if (sorted.length === 0) return null;
  const middle = Math.floor(sorted.length / 2);
  const at = (i: number) => sorted[i] as number;
  const median = sorted.length % 2 ? at(middle) : (at(middle - 1) + at(middle)) / 2;
  return { min: at(0), median, max: at(sorted.length - 1) };
}

const interesting = /^(avx2|fma|f16c|avx512f|avx512_bf16|avx512_vnni|amx_bf16|amx_tile|asimd|bf16|sve)$/;

/** What decides the figures: the processor and the instructions it has. */
export function describeMachine(): Machine {
  let flags: string[] = [];
  try {
    flags = (/^(?:flags|Features)\s*:\s*(.*)$/m.exec(readFileSync('/proc/cpuinfo', 'utf8'))?.[1] ?? '').split(
      ' ',
    );
  } catch {
    // not Linux: the name says enough
  }
  const all = cpus();
  return {
    cpu: all[0]?.model ?? 'unknown',
    features: flags.filter((flag) => interesting.test(flag)),
    cores: all.length,
    memoryBytes: totalmem(),
    kernel: `${process.platform} ${release()} ${process.arch}`,
    node: process.version,
  };
}

const baselines: VariantName[] = ['hf', 'hf_jemalloc'];

export interface Row {
  variant: VariantName;
  tokensPerSecond: Spread | null;
  peakBytes: Spread | null;
  /** Ours over this one, round by round: speed, and memory. Null for ours. */
  speedRatio: Spread | null;
  memoryRatio: Spread | null;
}

/** Ratios are taken within a round, where both ran under the same conditions, then spread over rounds. */
export function rows({ rounds }: CellResult): Row[] {
  const variants = (['collie', ...baselines] as const).filter((name) =>
    rounds.some((round) => round.results[name]),
  );
  return variants.map((variant) => {
    const of = (pick: (ours: ChildResult, other: ChildResult) => number | null) =>
      spread(
        rounds.flatMap(({ results }) => {
          const other = results[variant];
          const value = results.collie && other ? pick(results.collie, other) : null;
          return value === null ? [] : [value];
        }),
      );
    const own = variant === 'collie';
    return {
      variant,
      tokensPerSecond: of((_, other) => other.tokensPerSecond),
      peakBytes: of((_, other) => other.peakBytes),
      speedRatio: own ? null : of((ours, other) => ours.tokensPerSecond / other.tokensPerSecond),
      memoryRatio: own
        ? null
        : of((ours, other) => (ours.peakBytes && other.peakBytes ? ours.peakBytes / other.peakBytes : null)),
    };
  });
}

/**
 * How far apart the losses of ours and the baseline's are at the warm-up step, over all rounds: the same weights and, on
 * unpadded data, the same rows. A proof that both do the same work.
 */
export function firstLossGap({ rounds }: CellResult): number | null {
  const gaps = rounds.flatMap(({ results }) => {
    const baseline = results.hf ?? results.hf_jemalloc;
    const [ours, theirs] = [results.collie?.losses[0], baseline?.losses[0]];
    return ours === undefined || theirs === undefined ? [] : [Math.abs(ours - theirs)];
  });
  return gaps.length ? Math.max(...gaps) : null;
}

export const cellTitle = ({ precision, method, data }: Cell) =>
  `${precision}, ${method === 'lora' ? 'LoRA r16 on all linear layers' : 'full fine-tuning'}, ${data}`;

const gigabytes = (bytes: number) => (bytes / 1e9).toFixed(2);
const plain = (value: number) => value.toFixed(value < 10 ? 1 : 0);
const times = (value: number) => `${value.toFixed(2)}x`;

function text(value: Spread | null, format: (value: number) => string): string {
  if (value === null) return '-';
  return `${format(value.median)} (${format(value.min)} to ${format(value.max)})`;
}

const heading = ['', 'tokens/s', 'peak GB', 'Collie is faster', 'memory of Collie'];

function cellsOf(row: Row): string[] {
  return [
    variantTitle[row.variant],
    text(row.tokensPerSecond, plain),
    text(row.peakBytes, gigabytes),
    text(row.speedRatio, times),
    text(row.memoryRatio, times),
  ];
}

function gapLine(result: CellResult): string {
  const gap = result.cell.data === 'unpadded' ? firstLossGap(result) : null;
  return gap === null ? '' : `Loss of the first step, largest difference: ${gap.toFixed(4)}`;
}

/** How near the step is to its floor, its matrix products. */
function shareLine({ rounds }: CellResult): string {
  const share = spread(rounds.flatMap(({ gemmShare }) => (gemmShare === undefined ? [] : [100 * gemmShare])));
  return share === null
    ? ''
    : `Collie's share of its GEMM floor: ${text(share, (value) => `${value.toFixed(0)}%`)}`;
}

const linesUnder = (result: CellResult) => [gapLine(result), shareLine(result)].filter(Boolean);

/** For the terminal. */
export function table(result: CellResult): string {
  const lines = [heading, ...rows(result).map(cellsOf)];
  const widths = heading.map((_, column) => Math.max(...lines.map((line) => (line[column] ?? '').length)));
  const body = lines.map((line) =>
    `  ${line.map((cell, i) => cell.padEnd(widths[i] ?? 0)).join('  ')}`.trimEnd(),
  );
  return [cellTitle(result.cell), ...body, ...linesUnder(result).map((line) => `  ${line}`)].join('\n');
}

function markdownCell(result: CellResult): string {
  const lines = rows(result).map((row) => `| ${cellsOf(row).join(' | ')} |`);
  return [
    `### ${cellTitle(result.cell)}`,
    '',
    `| ${heading.join(' | ')} |`,
    `|${' --- |'.repeat(heading.length)}`,
    ...lines,
    '',
    linesUnder(result).join('\n\n'),
  ]
    .join('\n')
    .trimEnd();
}

/**
 * Where the baseline is faster in another precision than ours, the fair question is best against best: ratios of medians,
 * for each method and data that was measured in more than one precision. (Processors without bf16 instructions.)
 */
export function bestAgainstBest(cells: CellResult[]): string[] {
  const groupOf = ({ cell }: CellResult) => `${cell.method}, ${cell.data}`;
  return [...new Set(cells.map(groupOf))].flatMap((group) => {
    const members = cells.filter((member) => groupOf(member) === group);
    if (members.length < 2) return [];
    const entries = members.flatMap((member) =>
      rows(member).map((row) => ({
        row,
        precision: member.cell.precision,
        speed: row.tokensPerSecond?.median ?? 0,
      })),
    );
    const best = (own: boolean) =>
      entries
        .filter(({ row }) => (row.variant === 'collie') === own)
        .reduce((a, b) => (b.speed > a.speed ? b : a));
    const [ours, theirs] = [best(true), best(false)];
    return [
      `Best against best, ${group}: Collie ${ours.precision} at ${plain(ours.speed)} tokens/s is ${times(ours.speed / theirs.speed)} of ${variantTitle[theirs.row.variant]} ${theirs.precision} at ${plain(theirs.speed)} tokens/s.`,
    ];
  });
}

/** For docs/benchmarks.md: the machine, the settings, and a table per cell; median (lowest to highest) over rounds. */
export function markdown(report: BenchReport): string {
  const { machine, shape } = report;
  const rounds = report.cells[0]?.rounds.length ?? 0;
  return `${[
    `${report.date.slice(0, 10)}. ${machine.cpu}, ${machine.cores} cores (${machine.features.join(' ') || 'features unknown'}), ${(machine.memoryBytes / 1e9).toFixed(0)} GB, ${machine.kernel}.`,
    `Shape of SmolLM2-135M with ${shape.layers} layers, batch ${shape.batch} x ${shape.seq} tokens at most, ${shape.threads} threads, ${shape.steps} measured steps after one of warm-up, ${rounds} interleaved rounds. Figures are medians (lowest to highest).`,
    ...report.notes.map((note) => `- ${note}`),
    ...report.cells.map(markdownCell),
  ].join('\n\n')}\n`;
}
