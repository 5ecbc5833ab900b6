/** `collie plan`: layouts of so many devices, the best first, and the memory of the ranks of the spec's own. */
import { availableParallelism } from 'node:os';
import pc from 'picocolors';
import type { Host } from '../server/host.ts';
import type { LayoutForecast } from '../shared/api/entities.ts';
import { parallelSchema, worldSize } from '../shared/spec/parallel-fields.ts';
import { formatBytes, printJson, printNote, printTable } from './output.ts';
import { withHost } from './session.ts';
import { readSpecFile } from './spec-file.ts';

export interface PlanFlags {
  json: boolean;
  set: string[];
  devices?: number;
}

const verdicts = { fits: 'fits', tight: 'tight', does_not_fit: 'does not fit' } as const;

const named = ({ dp_size, tp_size, pp_size, zero_stage, sequence_parallel }: LayoutForecast['parallel']) =>
  `dp ${dp_size}, tp ${tp_size}${sequence_parallel ? ' with sequence parallelism' : ''}, pp ${pp_size}, ZeRO ${zero_stage}`;

const sizes = ({
  parallel: { dp_size, tp_size, pp_size, zero_stage, sequence_parallel },
  gradAccumSteps,
}: LayoutForecast) =>
  [dp_size, tp_size, sequence_parallel ? 'yes' : '', pp_size, zero_stage, gradAccumSteps].map(String);

/** Two figures are all that an estimate has. */
const seconds = (value: number) =>
  value < 1 ? `${Number((1000 * value).toPrecision(2))} ms` : `${Number(value.toPrecision(2))} s`;

export async function planCommand(specPath: string, flags: PlanFlags): Promise<void> {
  await withHost(async (host) => {
    const spec = readSpecFile(specPath, flags.set, printNote);
    // What is wrong with it is for the host to say, with everything else that is.
    const own = parallelSchema.safeParse(spec.parallel ?? {}).data ?? parallelSchema.parse({});
    const ranks = flags.devices ?? (await usualRanks(host, spec, worldSize(own)));
    const layouts = await host.call('spec.layouts', { spec, ranks });
    const asked = layouts.find(({ parallel }) => same(parallel, own)) ?? null;
    const chosen = asked ?? layouts[0] ?? null;
    if (flags.json) return printJson({ devices: ranks, layouts });
    if (chosen === null) {
      process.stdout.write(`No layout of ${ranks} ranks is possible: see \`collie validate\`.\n`);
      return;
    }
    printLayouts(layouts);
    if (asked === null && ranks === worldSize(own))
      printNote(`The layout of the spec, ${named(own)}, is not possible: \`collie validate\` says why.`);
    printMemory(chosen);
  });
}

const same = (a: LayoutForecast['parallel'], b: LayoutForecast['parallel']) =>
  a.dp_size === b.dp_size &&
  a.tp_size === b.tp_size &&
  a.pp_size === b.pp_size &&
  a.zero_stage === b.zero_stage &&
  a.sequence_parallel === b.sequence_parallel;

/** As many ranks as the spec has; of a spec for one: all GPUs, or the cores. */
async function usualRanks(host: Host, spec: Record<string, unknown>, own: number): Promise<number> {
  if (own > 1) return own;
  if (spec.device !== 'cuda') return availableParallelism();
  const { devices } = await host.call('system.info', {});
  return Math.max(1, devices.filter(({ kind }) => kind === 'cuda').length);
}

function printLayouts(layouts: readonly LayoutForecast[]): void {
  const rows = layouts.map((layout) => [
    ...sizes(layout),
    formatBytes(layout.deviceBytes),
    verdicts[layout.verdict],
    seconds(layout.time.totalSeconds),
    seconds(layout.time.computeSeconds),
    seconds(layout.time.bubbleSeconds),
    seconds(layout.time.communicationSeconds),
  ]);
  const head = [
    'dp',
    'tp',
    'sequence',
    'pp',
    'zero',
    'accumulation',
    'memory',
    'verdict',
    'step',
    'compute',
    'bubble',
    'communication',
  ];
  printTable([head, ...rows]);
}

/** Data-parallel ranks are alike: a row stands for all of a stage and tp_rank. */
function printMemory(layout: LayoutForecast): void {
  const remade = layout.checkpointing === 'off' ? '' : `, activation checkpointing ${layout.checkpointing}`;
  process.stdout.write(`\n${pc.bold(`Memory of a rank with ${named(layout.parallel)}${remade}`)}\n`);
  const rows = layout.ranks.map(({ stage, tpRank, layers, memory }) => [
    String(stage),
    String(tpRank),
    String(layers),
    formatBytes(memory.weightsBytes),
    formatBytes(memory.gradientsBytes),
    formatBytes(memory.optimizerBytes),
    formatBytes(memory.activationsBytes),
    formatBytes(memory.totalBytes),
  ]);
  const head = ['stage', 'tp_rank', 'layers', 'weights', 'gradients', 'optimizer', 'activations', 'all'];
  printTable([head, ...rows]);
}
