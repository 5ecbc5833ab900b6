/**
 * Two hosts on one machine: network namespaces joined by a virtual cable, each with its own address and name. Instead of ssh, mpirun
 * gets a script that enters the other namespace.
 */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Job, noMpi, startJob } from './mpirun.ts';

const NETWORK = '10.77.0';

export interface TwoHosts {
  names: [string, string];
  /** The options with which mpirun runs `slots` ranks on each host. */
  options(slots: number): string[];
  /** Starts a command on the first host. */
  start(command: string[]): Job;
  /** Pulls the cable out of the second host: what the first one sends gets lost. */
  cut(): void;
  remove(): void;
}

const ip = (...args: string[]) => spawnSync('ip', args, { encoding: 'utf8' });

function must(...args: string[]): void {
  const { status, stderr, error } = ip(...args);
  if (status !== 0) throw new Error(`ip ${args.join(' ')}: ${stderr || error}`);
}

/** Why there can be no two hosts here, or null. */
export const noTwoHosts = noMpi ?? whyNoNamespaces();
if (noTwoHosts) console.warn(noTwoHosts);

function whyNoNamespaces(): string | null {
  const name = `collie-try-${process.pid}`;
  const { status, stderr, error } = ip('netns', 'add', name);
  if (status !== 0)
    return `Tests of two hosts are skipped: network namespaces need root and iproute2 (${stderr?.trim() || error}).`;
  ip('netns', 'del', name);
  return null;
}

export function makeTwoHosts(): TwoHosts {
  const names: [string, string] = [`collie-a-${process.pid}`, `collie-b-${process.pid}`];
  const cables = [`vetha${process.pid}`, `vethb${process.pid}`] as const;
  const folder = mkdtempSync(join(tmpdir(), 'collie-hosts-'));
  for (const name of names) must('netns', 'add', name);
  must(
    'link',
    'add',
    cables[0],
    'netns',
    names[0],
    'type',
    'veth',
    'peer',
    'name',
    cables[1],
    'netns',
    names[1],
  );
  for (const i of [0, 1] as const) {
    must('-n', names[i], 'addr', 'add', `${NETWORK}.${i + 1}/24`, 'dev', cables[i]);
    must('-n', names[i], 'link', 'set', 'lo', 'up');
    must('-n', names[i], 'link', 'set', cables[i], 'up');
  }
  const agent = join(folder, 'agent.sh');
  writeFileSync(agent, agentScript(names));
  chmodSync(agent, 0o755);
  return {
    names,
    options: (slots) => [
      ...['-n', String(2 * slots), '-H', `${NETWORK}.1:${slots},${NETWORK}.2:${slots}`, '--bind-to', 'none'],
      ...['--mca', 'plm_rsh_agent', agent],
      // Both hosts have the same cores: who waits lets others work.
      ...['--mca', 'mpi_yield_when_idle', '1'],
      ...['--mca', 'btl_tcp_if_include', `${NETWORK}.0/24`, '--mca', 'oob_tcp_if_include', `${NETWORK}.0/24`],
    ],
    start: (command) => startJob([agent, `${NETWORK}.1`, ...command]),
    cut: () => must('-n', names[1], 'link', 'set', cables[1], 'down'),
    remove() {
      for (const name of names) {
        for (const pid of ip('netns', 'pids', name).stdout.split('\n').filter(Boolean))
          process.kill(Number(pid), 'SIGKILL');
        ip('netns', 'del', name);
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** agent.sh <address> <command...>: runs it on that host, as ssh would, with the host's own name. */
const agentScript = (names: [string, string]) => `#!/bin/sh
case $1 in
  ${NETWORK}.1) host=${names[0]} ;;
  ${NETWORK}.2) host=${names[1]} ;;
  *) echo "no host $1" >&2; exit 1 ;;
esac
shift
exec ip netns exec $host unshare --uts sh -c "hostname $host; exec $*"
`;
