/** What has to be on the machine: Debian packages (installed where we are root), npm packages. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { command, has } from './command.mjs';
import { SetupError } from './console.mjs';

const library = (name) => () => spawnSync('pkg-config', ['--exists', name], { stdio: 'ignore' }).status === 0;
const header = (path) => () =>
  existsSync(join('/usr/include', path)) || existsSync(join('/usr/local/include', path));
const program = (name) => () => has(name);
const daemon = (name) => () =>
  has(name) || existsSync(join('/usr/sbin', name)) || existsSync(join('/usr/local/sbin', name));

/** Debian package -> how to see that it (or the same from elsewhere) is there. */
const buildPackages = [
  ['g++', program('c++')],
  ['cmake', program('cmake')],
  ['ninja-build', program('ninja')],
  ['nlohmann-json3-dev', header('nlohmann/json.hpp')],
  ['pkg-config', program('pkg-config')],
  ['libopenmpi-dev', library('ompi-c')],
  ['openmpi-bin', program('mpirun')],
  ['doctest-dev', header('doctest/doctest.h')],
  ['python3', program('python3')],
  ['python3-pip', () => hasPip()],
];
/** Taken where we can install them, never asked for. */
const extraTestPackages = [
  // What was compiled once, for another checkout or before a change was taken back, is not compiled again.
  ['ccache', program('ccache')],
  // A Slurm of one node, started by the tests of it, which need root as its daemons do.
  ['slurmctld', daemon('slurmctld')],
  ['slurmd', daemon('slurmd')],
  ['munge', daemon('munged')],
  ['slurm-client', program('sbatch')],
];
const testPackages = [
  ['python3-venv', () => hasVenv()],
  [
    'chromium',
    () => has('chromium') || has('chromium-browser') || has('google-chrome') || Boolean(process.env.CHROMIUM),
  ],
];

const hasPip = () => has('python3') && pythonOk('import pip');
const hasVenv = () => has('python3') && pythonOk('import venv, ensurepip');

const pythonOk = (code) => spawnSync('python3', ['-c', code], { stdio: 'ignore' }).status === 0;

export function systemPackages(forTests) {
  const installs = process.getuid?.() === 0 && has('apt-get');
  const forTesting = installs ? [...testPackages, ...extraTestPackages] : testPackages;
  const wanted = forTests ? [...buildPackages, ...forTesting] : buildPackages;
  const missing = () => wanted.filter(([, present]) => !present()).map(([name]) => name);
  return {
    title: 'System packages',
    needed: () => missing().length > 0,
    async run(report) {
      const names = missing();
      const line = `sudo apt-get update && sudo apt-get install -y ${names.join(' ')}`;
      if (!installs)
        throw new SetupError(
          `Missing on this machine: ${names.join(', ')}`,
          `Run this line (or your system's like), then start again:\n  ${line}`,
        );
      report(null, 'reading the package lists');
      await command('apt-get', ['update', '-qq'], {
        next: 'Check the network and the package sources of this machine.',
      });
      report(null, `installing ${names.join(', ')}`);
      await command('apt-get', ['install', '-y', '-qq', '--no-install-recommends', ...names], {
        env: { DEBIAN_FRONTEND: 'noninteractive' },
        next: `Try it by hand: ${line}`,
      });
    },
  };
}

export function npmPackages(root) {
  const stamp = join(root, 'node_modules/.collie-lock');
  const lockHash = () =>
    createHash('sha256')
      .update(readFileSync(join(root, 'package-lock.json')))
      .digest('hex');
  return {
    title: 'npm packages',
    needed: () => !existsSync(stamp) || readFileSync(stamp, 'utf8') !== lockHash(),
    async run(report) {
      report(null, 'npm install');
      // Not `npm ci`: it insists on the packages of every other platform, which a company mirror may not carry.
      await command(
        'npm',
        ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'],
        {
          cwd: root,
          next: 'Check the network; `npm install` in this folder shows the whole error.',
        },
      );
      writeFileSync(stamp, lockHash());
    },
  };
}
