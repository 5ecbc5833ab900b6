/** `collie slurm`: a batch script that trains a spec in a Slurm job, which gives its ranks hosts, cores and GPUs. */
import { resolve } from 'node:path';
import { nodeCommand } from '../server/runs/launch.ts';
import { CollieError } from '../shared/errors.ts';
import { parallelSchema, worldSize } from '../shared/parallel-fields.ts';
import { printNote } from './output.ts';
import { readSpecFile } from './spec-file.ts';

export interface SlurmFlags {
  set: string[];
  nodes: number;
  cpus: number;
  time?: string;
  partition?: string;
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

export function batchScript({ name, ranks, device, command }: BatchJob, flags: SlurmFlags): string {
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
  if (Array.isArray(spec.hosts) && spec.hosts.length > 0)
    throw new CollieError(
      'spec.invalid',
      'hosts come from Slurm; the spec names its own.',
      'Leave them out.',
    );
  const parallel = parallelSchema.safeParse(spec.parallel ?? {});
  if (!parallel.success)
    throw new CollieError('spec.invalid', 'parallel is wrong.', 'See `collie validate`.');
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  const { command, args } = nodeCommand(new URL(`./main.${extension}`, import.meta.url));
  const sets = flags.set.flatMap((set) => ['--set', set]);
  const job = {
    name: typeof spec.name === 'string' ? spec.name : '',
    ranks: worldSize(parallel.data),
    device: String(spec.device ?? 'cpu'),
    command: [command, ...args, 'run', resolve(specPath), ...sets],
  };
  process.stdout.write(batchScript(job, flags));
}
