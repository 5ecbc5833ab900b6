/**
 * The command that starts the ranks of a run: `collie-rank` itself for one, `mpirun` of Open MPI for several. Pure.
 *
 * Under mpirun a shell stands before every rank until it is replaced by it: it opens the rank's own log, on whatever host that is.
 */

import { runFiles } from '../shared/runs/run-folder.ts';
import {
  type ParallelSpec,
  ranksPerHost,
  threadsPerRank,
  worldSize,
} from '../shared/spec/parallel-fields.ts';

export interface LaunchSettings {
  /** Path of collie-rank, the same on all hosts. */
  program: string;
  /** Path of mpirun; asked for only when there is more than one rank. */
  mpirun: () => string;
  runDir: string;
  /** The command of collie-rank: training, or evaluating alone. */
  work: string[];
  parallel: ParallelSpec;
  /** `name:slots`; empty: this machine, or what a batch system has allotted. */
  hosts: readonly string[];
  /** Per rank; 0: the cores of a host are shared out among its ranks. */
  threads: number;
  cores: number;
  isRoot: boolean;
  /** Of the ranks' environment, on all hosts. */
  rankEnv: Record<string, string>;
  /** Hosts and slots come from a batch system (Slurm), which mpirun asks itself. */
  allotted: boolean;
}

export interface LaunchCommand {
  command: string;
  args: string[];
  env: Record<string, string>;
}

// 3 and 4 hold mpirun's pipes open: once both are closed, it takes the rank for done and closes its standard input as well.
const OWN_LOG =
  'log=$1; shift; exec "$@" 3>&1 4>&2 >>"$log/rank-$(printf %03d "$OMPI_COMM_WORLD_RANK").log" 2>&1';

function mpiArguments({ hosts, allotted }: LaunchSettings, world: number): string[] {
  // Ranks next to each other share a host: tensor-parallel ones talk most. Threads set their own affinity.
  const common = ['-n', String(world), '--bind-to', 'none', '--map-by', 'slot'];
  // As written: by itself Open MPI cuts a name at its first dot.
  const asWritten = ['--mca', 'orte_keep_fqdn_hostnames', '1'];
  if (hosts.length > 0) return [...common, ...asWritten, '--host', hosts.join(',')];
  // mpirun counts cores; a layout of more ranks than that is the user's wish, and was warned of.
  return allotted ? common : [...common, '--oversubscribe'];
}

/** `resumeFrom`: the checkpoint to go on from. */
export const trainArguments = (runDir: string, resumeFrom: string | null): string[] => [
  'train',
  '--run',
  runDir,
  ...(resumeFrom === null ? [] : ['--resume', resumeFrom]),
];

export function launchCommand(settings: LaunchSettings): LaunchCommand {
  const { program, runDir, work, parallel, hosts, threads, cores, isRoot, rankEnv, allotted } = settings;
  const world = worldSize(parallel);
  if (world === 1 && hosts.length === 0) return { command: program, args: work, env: rankEnv };
  // In an allotment `cores` are those of one task.
  const share = allotted ? cores : threadsPerRank(cores, ranksPerHost(world, hosts));
  const own = [...work, '--threads', String(threads > 0 ? threads : share)];
  return {
    command: settings.mpirun(),
    args: [
      ...mpiArguments(settings, world),
      // Other hosts have only what is named.
      ...Object.keys(rankEnv).flatMap((name) => ['-x', name]),
      '/bin/sh',
      '-c',
      OWN_LOG,
      'rank',
      `${runDir}/${runFiles.logsDir}`,
      program,
      ...own,
    ],
    env: {
      ...rankEnv,
      ...(isRoot ? { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' } : {}),
    },
  };
}
