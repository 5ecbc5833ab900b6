/** What a batch system (Slurm) has allotted to the job that this process is part of. */

export interface Allotment {
  hosts: number;
  coresPerRank: number;
}

const count = (text: string | undefined) => Math.max(1, Number(text) || 1);

/** Null outside of a job, and when the spec names its own hosts. */
export function allotment(hosts: readonly string[], env: NodeJS.ProcessEnv = process.env): Allotment | null {
  if (env.SLURM_JOB_ID === undefined || hosts.length > 0) return null;
  return { hosts: count(env.SLURM_JOB_NUM_NODES), coresPerRank: count(env.SLURM_CPUS_PER_TASK) };
}
