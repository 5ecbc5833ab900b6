/** `collie slurm`: a batch script that trains a spec in a Slurm job, which gives its ranks hosts, cores and GPUs. */
import { resolve } from 'node:path';
import { nodeCommand } from '../server/runs/launch.ts';
import { checkSchema } from '../server/spec/schema-issues.ts';
import { CollieError } from '../shared/errors.ts';
import { worldSize } from '../shared/spec/parallel-fields.ts';
import { printJson, printNote } from './output.ts';
import { readSpecFile } from './spec-file.ts';

/** What is asked of Slurm. */
export interface Resources {
  nodes: number;
  cpus: number;
  time?: string;
  partition?: string;
}

export interface SlurmFlags extends Omit<Resources, 'cpus'> {
  json: boolean;
  set: string[];
  cpus?: number;
}

/** Before the end of its time the job is told to save, and has so long for it. */
const SAVE_SECONDS = 300;

export interface BatchJob {
  name: string;
  ranks: number;
  device: string;
  /** The command line that trains the spec and follows it to its end. */
  command: readonly string[];
}

const quoted = (text: string) =>
  /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
/** Slurm splits a directive at blanks. */
const jobName = (name: string) => name.replaceAll(/[^\w.-]+/g, '-').replaceAll(/^-+|-+$/g, '') || 'collie';

export function batchScript({ name, ranks, device, command }: BatchJob, flags: Resources): string {
  const options = [
    `--job-name=${jobName(name)}`,
    `--nodes=${flags.nodes}`,
    `--ntasks=${ranks}`,
    `--ntasks-per-node=${Math.ceil(ranks / flags.nodes)}`,
    `--cpus-per-task=${flags.cpus}`,
    ...(device === 'cuda' ? ['--gpus-per-task=1', '--gpu-bind=none'] : []),
    ...(flags.time === undefined ? [] : [`--time=${flags.time}`]),
    ...(flags.partition === undefined ? [] : [`--partition=${flags.partition}`]),
    `--signal=B:TERM@${SAVE_SECONDS}`,
  ];
  return `#!/bin/bash
${options.map((option) => `#SBATCH ${option}`).join('\n')}

# Asked to end (${SAVE_SECONDS} seconds before its time is up), it saves a checkpoint; \`collie run --resume\` goes on from there.
exec ${command.map(quoted).join(' ')}
`;
}

export async function slurmCommand(specPath: string, flags: SlurmFlags): Promise<void> {
  const spec = readSpecFile(specPath, flags.set, printNote);
  const { ranks, threads } = layoutOf(spec, flags.nodes);
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const { command, args } = nodeCommand(new URL(`./main.${extension}`, import.meta.url));
  const sets = flags.set.flatMap((set) => ['--set', set]);
  const job = {
    name: typeof spec.name === 'string' ? spec.name : '',
    ranks,
    device: String(spec.device ?? 'cpu'),
    command: [command, ...args, 'run', resolve(specPath), ...sets],
  };
  // A rank with threads of its own number needs as many cores.
  const script = batchScript(job, { ...flags, cpus: flags.cpus ?? Math.max(1, threads) });
  if (flags.json) printJson({ script });
  else process.stdout.write(script);
}

/** Throws spec.invalid: what the job would stumble over once it got its hosts. */
function layoutOf(spec: Record<string, unknown>, nodes: number): { ranks: number; threads: number } {
  if (Array.isArray(spec.hosts) && spec.hosts.length > 0)
    throw new CollieError(
      'spec.invalid',
      `Slurm gives a job its hosts; the spec names its own (${spec.hosts.join(', ')}).`,
      'Leave `hosts` out: --set hosts=[].',
    );
  const { issues: all, parts } = checkSchema(spec);
  const issues = all.filter(({ path }) => /^(parallel|threads|device)\b/.test(path));
  if (issues.length > 0 || !parts.parallel)
    throw new CollieError('spec.invalid', 'The spec cannot be laid out.', 'Correct it first.', { issues });
  const ranks = worldSize(parts.parallel);
  if (nodes > ranks)
    throw new CollieError(
      'request.invalid',
      `${nodes} hosts are more than the ${ranks} ${ranks === 1 ? 'rank' : 'ranks'} of the spec.`,
      `Give --nodes ${ranks} or less, or raise a parallel size.`,
    );
  return { ranks, threads: parts.threads ?? 0 };
}
