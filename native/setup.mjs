#!/usr/bin/env node
/**
 * Sets up everything on a fresh machine and builds it; does nothing that is done already. Plain Node, no packages.
 * With an NVIDIA GPU it also builds the engine for CUDA, or says why runs use the CPU.
 *
 *   node native/setup.mjs [--for-tests] [--quiet] [--only native|cuda|host]
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostBuild, nativeBuild, rendererBuild } from './setup/build.mjs';
import { runSteps } from './setup/console.mjs';
import { cudaCompiler, cudaDisassemblerStep, ncclHeader } from './setup/cuda-compiler.mjs';
import { cudaForThisMachine, cudaSteps, nvidiaCards } from './setup/gpu.mjs';
import { libtorch } from './setup/libtorch.mjs';
import { npmPackages, systemPackages } from './setup/packages.mjs';

const usage = 'Usage: node native/setup.mjs [--for-tests] [--quiet] [--only native|cuda|host]';
const args = process.argv.slice(2);
const only = args.includes('--only') ? args[args.indexOf('--only') + 1] : 'all';
const unknown = args.find((arg) => !['--for-tests', '--quiet', '--only', only].includes(arg));
if (unknown || !['all', 'native', 'cuda', 'host'].includes(only)) {
  console.error(`setup: unknown argument \`${unknown ?? only}\`. ${usage}`);
  process.exit(2);
}
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`setup: Node ${process.versions.node} is too old. Next: install Node 20.19 or newer.`);
  process.exit(1);
}

const native = dirname(fileURLToPath(import.meta.url));
const root = join(native, '..');
const forTests = args.includes('--for-tests');
const quiet = args.includes('--quiet');
const packages = systemPackages(forTests);
const targetsOf = (...names) => (forTests ? [] : names);
const targets = {
  cuda: () => [packages, ...cudaSteps(native, targetsOf('collie-rank'), nvidiaCards().cards)],
  host: () => [packages, npmPackages(root), hostBuild(root)],
  native: () => [
    packages,
    npmPackages(root),
    libtorch(native),
    ...(forTests ? [cudaCompiler(native), cudaDisassemblerStep(native), ncclHeader(native)] : []),
    nativeBuild(native, 'cpu-release', targetsOf('collie-rank', 'collie_native')),
  ],
  // Tests compile what is for CUDA in a tier of their own.
  all: () => [
    ...targets.native(),
    hostBuild(root),
    rendererBuild(root),
    ...(forTests ? [] : cudaForThisMachine(native, !quiet)),
  ],
};
await runSteps(targets[only](), quiet);
