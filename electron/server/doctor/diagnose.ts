/** What there is and what is missing, from the facts of a machine. Pure. */
import { flopsText } from '../machine/flops-text.ts';
import type { EngineInfo } from '../rank/engine-info.ts';
import type { Gpus } from './gpus.ts';

export interface Facts {
  node: string;
  /** Why the addon does not load; null when it does. */
  addonProblem: string | null;
  cpuEngine: EngineFacts;
  cudaEngine: EngineFacts;
  gpus: Gpus;
  /** Path of the launcher of several ranks, or null. */
  mpirun: string | null;
  home: string;
  /** Why nothing can be written there; null when it can. */
  homeProblem: string | null;
  diskFreeBytes: number;
  memoryTotalBytes: number;
  memoryFreeBytes: number;
  /** What bf16 matrix products reach; null: not measured. */
  gemm: { device: 'cpu' | 'cuda'; flopsPerSecond: number | null };
}

/** `problem` is null when the engine was asked and answered. */
export type EngineFacts = { info: EngineInfo; problem: null } | { info: null; problem: string };

/** missing: nothing can be trained without it. advice: something works worse, or not at all, until it is done. */
export type State = 'ok' | 'advice' | 'missing';

export interface Finding {
  id: string;
  title: string;
  state: State;
  found: string;
  /** What to do; empty when all is well. */
  next: string;
}

const GB = 1e9;
const NEEDED_DISK = 2 * GB;
const USUAL_DISK = 10 * GB;
const USUAL_MEMORY = 4 * GB;
const SET_UP = 'Run `node native/setup.mjs`.';
const SET_UP_CUDA = 'Run `node native/setup.mjs --only cuda`.';
const OLDEST_NODE = [20, 19] as const;

export function diagnose(facts: Facts): Finding[] {
  const gpus = facts.gpus.cards.length > 0;
  return [
    node(facts),
    finding(
      'addon',
      'Native addon',
      facts.addonProblem === null || 'missing',
      facts.addonProblem ?? 'loads',
      SET_UP,
    ),
    engine('engine.cpu', 'Engine for the CPU', facts.cpuEngine, 'missing', SET_UP),
    driver(facts),
    ...facts.gpus.cards.map((card) =>
      finding(
        `gpu.${card.index}`,
        `GPU ${card.index}`,
        true,
        `${card.name}, compute capability ${card.capability}, ${gigabytes(card.memoryFreeBytes)} of ${gigabytes(card.memoryTotalBytes)} free`,
      ),
    ),
    ...(gpus ? [cudaEngine(facts), ...coverage(facts)] : []),
    mpi(facts),
    ...(facts.gpus.cards.length > 1 ? [nccl(facts)] : []),
    home(facts),
    disk(facts),
    memory(facts),
    gemm(facts),
  ];
}

export const isUsable = (findings: readonly Finding[]): boolean =>
  findings.every(({ state }) => state !== 'missing');

/** Fine when `good` is true, else in that state with that next step. */
function finding(id: string, title: string, good: true | State, found: string, next = ''): Finding {
  return { id, title, state: good === true ? 'ok' : good, found, next: good === true ? '' : next };
}

const gigabytes = (bytes: number) => `${(bytes / GB).toFixed(bytes < 10 * GB ? 1 : 0)} GB`;

function node({ node: version }: Facts): Finding {
  const [major = 0, minor = 0] = version.replace(/^v/, '').split('.').map(Number);
  const good = major > OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor >= OLDEST_NODE[1]);
  return finding(
    'node',
    'Node',
    good || 'missing',
    version,
    `Install Node ${OLDEST_NODE.join('.')} or newer.`,
  );
}

function engine(
  id: string,
  title: string,
  { info, problem }: EngineFacts,
  worst: State,
  next: string,
): Finding {
  return info === null
    ? finding(id, title, worst, problem, next)
    : finding(id, title, true, `${info.version}, libtorch ${info.torch}`);
}

function driver({ gpus }: Facts): Finding {
  if (gpus.problem !== null)
    return finding(
      'driver',
      'NVIDIA driver',
      'advice',
      gpus.problem,
      'Install the driver for CUDA 13 (580 or newer) from your system, and restart; until then runs use the CPU.',
    );
  const [first] = gpus.cards;
  return finding('driver', 'NVIDIA driver', true, first ? first.driver : 'no NVIDIA GPU here, none needed');
}

function cudaEngine({ cudaEngine: facts }: Facts): Finding {
  const found = engine(
    'engine.cuda',
    'Engine for CUDA',
    facts,
    'advice',
    `${SET_UP_CUDA} Until then runs use the CPU.`,
  );
  if (facts.info === null || facts.info.cuda_devices > 0) return found;
  return {
    ...found,
    state: 'advice',
    found: 'built, but CUDA finds no usable device',
    next: 'Update the driver (CUDA 13 needs 580 or newer), and see that CUDA_VISIBLE_DEVICES is not empty.',
  };
}

/** Whether every card runs the code of the CUDA build. */
function coverage({ gpus, cudaEngine: { info } }: Facts): Finding[] {
  if (info === null || info.cuda_architectures.length === 0) return [];
  const uncovered = gpus.cards.filter(({ capability }) => !covers(info.cuda_architectures, capability));
  const names = uncovered.map(({ index, capability }) => `GPU ${index} (${capability})`).join(', ');
  const built = info.cuda_architectures.join(', ');
  return [
    finding(
      'engine.cuda.coverage',
      'Code for the GPUs',
      uncovered.length === 0 || 'advice',
      uncovered.length === 0 ? `built for ${built}` : `built for ${built}, not for ${names}`,
      'Build it on this machine: `node native/setup.mjs --only cuda`. Cards below compute capability 8.0 have no bf16 and are not supported.',
    ),
  ];
}

/** Machine code runs on its major version from its minor on; an architecture without "-real" is also kept as PTX for all that come after. */
export function covers(architectures: readonly string[], capability: string): boolean {
  const [major = 0, minor = 0] = capability.split('.').map(Number);
  return architectures.some((architecture) => {
    const number = Number.parseInt(architecture, 10);
    const [ownMajor, ownMinor] = [Math.floor(number / 10), number % 10];
    const later = major > ownMajor || (major === ownMajor && minor >= ownMinor);
    return architecture.endsWith('-real') ? major === ownMajor && later : later;
  });
}

function mpi({ mpirun, cpuEngine }: Facts): Finding {
  const built = cpuEngine.info?.mpi;
  const next =
    'For runs of several ranks: `apt-get install openmpi-bin libopenmpi-dev`, then `node native/setup.mjs`.';
  if (mpirun === null) return finding('mpi', 'Open MPI', 'advice', 'no mpirun: runs of one rank only', next);
  if (built === false)
    return finding('mpi', 'Open MPI', 'advice', `${mpirun}, but the engine was built without MPI`, next);
  return finding('mpi', 'Open MPI', true, mpirun);
}

function nccl({ cudaEngine: { info } }: Facts): Finding {
  const good = info?.nccl === true;
  return finding(
    'nccl',
    'NCCL',
    good || 'advice',
    good ? 'the engine for CUDA has it' : 'not in the engine for CUDA: runs on one GPU only',
    `Install Open MPI, then ${SET_UP_CUDA.replace('Run', 'run')}`,
  );
}

function home({ home: path, homeProblem }: Facts): Finding {
  const next = 'Give yourself the right to write there, or set COLLIE_HOME to another folder.';
  return finding('home', 'Library and runs', homeProblem === null || 'missing', homeProblem ?? path, next);
}

function disk({ home: path, diskFreeBytes }: Facts): Finding {
  const state = diskFreeBytes < NEEDED_DISK ? 'missing' : diskFreeBytes < USUAL_DISK ? 'advice' : true;
  return finding(
    'disk',
    'Free disk space',
    state,
    `${gigabytes(diskFreeBytes)} where ${path} is`,
    `Free some: a run of a 135 M model takes 2 GB, one of 7 B some 30 GB; or set COLLIE_HOME to a larger disk.`,
  );
}

function memory({ memoryFreeBytes, memoryTotalBytes }: Facts): Finding {
  return finding(
    'memory',
    'Memory',
    memoryTotalBytes >= USUAL_MEMORY || 'advice',
    `${gigabytes(memoryFreeBytes)} of ${gigabytes(memoryTotalBytes)} free`,
    'Choose small models and a base in 4 bits; the form says what fits.',
  );
}

function gemm({ gemm: { device, flopsPerSecond } }: Facts): Finding {
  const found = flopsPerSecond === null ? 'not measured' : `${flopsText(flopsPerSecond)} in bf16`;
  return finding(
    'gemm',
    'Matrix products',
    flopsPerSecond !== null || 'advice',
    found,
    `Run \`collie bench gemm${device === 'cuda' ? ' --device cuda' : ''}\` while nothing else computes: runs then show which share of it they reach.`,
  );
}
