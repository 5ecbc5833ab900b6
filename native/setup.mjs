#!/usr/bin/env node
/**
 * Sets up everything on a fresh machine and builds it; does nothing that is done already. Plain Node, no packages.
 *
 *   node native/setup.mjs [--for-tests] [--quiet] [--only native]
 */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hostBuild, nativeBuild, rendererBuild } from './setup/build.mjs';
import { runSteps } from './setup/console.mjs';
import { libtorch } from './setup/libtorch.mjs';
import { npmPackages, systemPackages } from './setup/packages.mjs';

const args = process.argv.slice(2);
const known = new Set(['--for-tests', '--quiet', '--only', 'native']);
const unknown = args.find((arg) => !known.has(arg));
if (unknown) {
  console.error(
    `setup: unknown argument \`${unknown}\`. Usage: node native/setup.mjs [--for-tests] [--quiet] [--only native]`,
  );
  process.exit(2);
}

const native = dirname(fileURLToPath(import.meta.url));
const root = join(native, '..');
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`setup: Node ${process.versions.node} is too old. Next: install Node 20.19 or newer.`);
  process.exit(1);
}

const steps = [
  systemPackages(args.includes('--for-tests')),
  npmPackages(root),
  libtorch(native),
  nativeBuild(native),
];
if (!args.includes('--only')) steps.push(hostBuild(root), rendererBuild(root));
await runSteps(steps, args.includes('--quiet'));
