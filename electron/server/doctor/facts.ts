/** Looks at this machine for `collie doctor`. Nothing that is missing makes it throw. */
import { accessSync, constants, existsSync, statfsSync } from 'node:fs';
import { freemem, totalmem } from 'node:os';
import { dirname, resolve } from 'node:path';
import { toErrorInfo } from '../../shared/errors.ts';
import { deviceName, gemmRate } from '../machine/gemm.ts';
import { type EngineBuild, nativeAddon } from '../native/addon.ts';
import { engineInfo } from '../rank/engine-info.ts';
import { requireMpirun } from '../rank/rank.ts';
import type { EngineFacts, Facts } from './diagnose.ts';
import { listGpus } from './gpus.ts';

export async function gatherFacts(home: string): Promise<Facts> {
  const [cpuEngine, cudaEngine, gpus] = await Promise.all([engine('cpu'), engine('cuda'), listGpus()]);
  const place = nearestFolder(home);
  const { bavail, bsize } = statfsSync(place);
  return {
    node: process.version,
    addonProblem: problemOf(nativeAddon),
    cpuEngine,
    cudaEngine,
    gpus,
    mpirun: problemOf(requireMpirun) === null ? requireMpirun() : null,
    home,
    homeProblem: problemOf(() => accessSync(place, constants.W_OK | constants.X_OK)),
    diskFreeBytes: bavail * bsize,
    memoryTotalBytes: totalmem(),
    memoryFreeBytes: freemem(),
    gemm: gemmFacts(home, gpus.cards.length > 0),
  };
}

/** Of what runs compute on here: the GPU where there is one. */
function gemmFacts(home: string, hasGpu: boolean): Facts['gemm'] {
  const device = hasGpu ? 'cuda' : 'cpu';
  let name: string | null = null;
  try {
    name = deviceName(device);
  } catch {
    // Without the addon, which is told by itself.
  }
  const rate = name === null ? null : gemmRate(home, name, 'bf16');
  return { device, flopsPerSecond: rate?.flopsPerSecond ?? null };
}

async function engine(build: EngineBuild): Promise<EngineFacts> {
  try {
    return { info: await engineInfo(build), problem: null };
  } catch (thrown) {
    return { info: null, problem: toErrorInfo(thrown).message };
  }
}

function problemOf(look: () => unknown): string | null {
  try {
    look();
    return null;
  } catch (thrown) {
    return toErrorInfo(thrown).message;
  }
}

/** The folder itself, or the nearest above it that is there: nothing is made just to look. */
function nearestFolder(path: string): string {
  let folder = resolve(path);
  while (!existsSync(folder) && dirname(folder) !== folder) folder = dirname(folder);
  return folder;
}
