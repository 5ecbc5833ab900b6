/** A real Slurm of one node: its daemons, started in a temporary folder with a configuration and a key of their own. */
import { execFileSync, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { noMpi } from './mpirun.ts';

export interface SlurmJob {
  state: string;
  output: string;
}

export interface Slurm {
  /** Submits a batch script and waits for its end. */
  run(script: string): Promise<SlurmJob>;
  stop(): Promise<void>;
}

const daemons = ['munged', 'slurmctld', 'slurmd'];
const place = (name: string) => [`/usr/sbin/${name}`, `/usr/local/sbin/${name}`].find(existsSync);

/** Why there can be no Slurm here, or null. */
export const noSlurm = noMpi ?? whyNot();
if (noSlurm) console.warn(noSlurm);

function whyNot(): string | null {
  if (process.getuid?.() !== 0) return 'Tests of Slurm are skipped: its daemons need root.';
  const missing = daemons.filter((name) => !place(name));
  if (missing.length === 0) return null;
  return `Tests of Slurm are skipped: no ${missing.join(', ')} (apt-get install slurmctld slurmd munge slurm-client).`;
}

/** Ports that nobody uses. */
async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, () => {
      const server = createServer();
      return new Promise<typeof server>((resolve) => server.listen(0, () => resolve(server)));
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

/** Asks until the answer is there. */
async function until<T>(what: string, seconds: number, ask: () => T | undefined): Promise<T> {
  for (const end = Date.now() + seconds * 1000; ; ) {
    const answer = ask();
    if (answer !== undefined) return answer;
    if (Date.now() > end) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

export async function startSlurm(cpus: number): Promise<Slurm> {
  const folder = mkdtempSync(join(tmpdir(), 'collie-slurm-'));
  for (const name of ['munge', 'state', 'spool']) mkdirSync(join(folder, name), { mode: 0o700 });
  const configuration = join(folder, 'slurm.conf');
  writeFileSync(configuration, configure(folder, cpus, await freePorts(2)));
  writeFileSync(join(folder, 'munge/key'), randomBytes(1024), { mode: 0o400 });
  const env = { ...process.env, SLURM_CONF: configuration };
  const ask = (program: string, ...args: string[]) =>
    spawnSync(program, args, { env, encoding: 'utf8' }).stdout ?? '';
  const start = (name: string, ...args: string[]) =>
    execFileSync(place(name) ?? name, args, { env, stdio: ['ignore', 'ignore', 'pipe'] });

  const munge = (name: string) => join(folder, 'munge', name);
  const stop = async () => {
    const pids = ['slurmd.pid', 'slurmctld.pid', 'munge/pid']
      .map((name) => join(folder, name))
      .filter(existsSync);
    for (const pid of pids.map((file) => Number(readFileSync(file, 'utf8')))) {
      process.kill(pid, 'SIGTERM');
      await until(`end of process ${pid}`, 20, () => (existsSync(`/proc/${pid}/exe`) ? undefined : true));
    }
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    start(
      'munged',
      '--force',
      ...[`--key-file=${munge('key')}`, `--socket=${munge('socket')}`, `--pid-file=${munge('pid')}`],
      ...[`--log-file=${munge('log')}`, `--seed-file=${munge('seed')}`],
    );
    start('slurmctld', '-f', configuration);
    start('slurmd', '-f', configuration);
    await until('an idle node', 30, () =>
      ask('sinfo', '-h', '-o', '%t').trim() === 'idle' ? true : undefined,
    );
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop, run: (script) => runJob(folder, script, ask) };
}

async function runJob(
  folder: string,
  script: string,
  ask: (program: string, ...args: string[]) => string,
): Promise<SlurmJob> {
  const file = join(folder, 'job.sh');
  const log = join(folder, 'job.log');
  writeFileSync(file, script, { mode: 0o755 });
  const id = ask('sbatch', '--parsable', `--output=${log}`, file).trim();
  if (!/^\d+$/.test(id)) throw new Error(`sbatch did not take the script:\n${script}`);
  const state = await until(`the end of job ${id}`, 300, () => {
    const now = /JobState=(\S+)/.exec(ask('scontrol', 'show', 'job', id))?.[1];
    return now && !['PENDING', 'RUNNING', 'COMPLETING', 'CONFIGURING'].includes(now) ? now : undefined;
  });
  return { state, output: readFileSync(log, 'utf8') };
}

const configure = (folder: string, cpus: number, [control, node]: number[]) => `ClusterName=collie
SlurmctldHost=${hostname()}
SlurmctldPort=${control}
SlurmdPort=${node}
AuthType=auth/munge
AuthInfo=socket=${folder}/munge/socket
CredType=cred/munge
SlurmUser=root
SlurmdUser=root
StateSaveLocation=${folder}/state
SlurmdSpoolDir=${folder}/spool
SlurmctldPidFile=${folder}/slurmctld.pid
SlurmdPidFile=${folder}/slurmd.pid
SlurmctldLogFile=${folder}/slurmctld.log
SlurmdLogFile=${folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU
ReturnToService=2
SlurmdParameters=config_overrides
NodeName=${hostname()} CPUs=${cpus} State=UNKNOWN
PartitionName=main Nodes=${hostname()} Default=YES MaxTime=INFINITE State=UP
`;
