#!/usr/bin/env node
/**
 * `npm test`: sets up what it needs, runs every suite, and ends with one line over all of them.
 *
 *   npm test                      everything
 *   npm test -- fast              what takes under two minutes on a built tree
 *   npm test -- unit engine       only these suites (names below)
 *
 * Two suites run at a time (COLLIE_TEST_LANES=1: one). Those that need only sources run beside the native build. What a suite writes is shown when it ends.
 */
import { spawn } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { countsOf, countsOfBoth, worthAnotherTry } from './run-report.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const artifacts = join(root, 'tests/.artifacts');
const native = join(root, 'native/build/cpu-release/tests');
const LANES = Number(process.env.COLLIE_TEST_LANES ?? 2);
const HEARTBEAT_MS = 60_000;

// Two suites and several ranks share few processors: a thread that waits for others is to give its own up soon, as in a run of the workbench.
process.env.GOMP_SPINCOUNT ??= '1000';

/** One command that passes or fails as a whole. */
const check =
  (program, ...args) =>
  async (log) =>
    (await run(log, program, args)).status === 0 ? { passed: 1 } : { failed: 1 };

/** A doctest executable; its summary line has the counts. */
const doctest =
  (name, env = {}) =>
  (log) =>
    doctestRun(log, join(native, name), [], env);
async function doctestRun(log, program, args, env) {
  const { status, output } = await run(log, program, args, env);
  const match = /test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped/.exec(
    output,
  );
  if (!match) return { failed: 1 };
  const [passed, failed, skipped] = match.slice(2).map(Number);
  return { passed, failed: failed || (status === 0 ? 0 : 1), skipped };
}

/** Containers often have only root, whom mpirun refuses unless told that it is meant. */
const AS_ROOT = { OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };

/** What several ranks test together, on every number of them. Cases for another number are no skips. */
const PARALLEL_RANKS = [1, 2, 3, 4, 8];
async function parallel(log) {
  const program = join(native, 'collie-parallel-tests');
  if (!existsSync(program)) {
    log('Skipped: the engine was built without MPI. Next: install libopenmpi-dev and openmpi-bin.\n');
    return { skipped: 1 };
  }
  const total = { passed: 0, failed: 0 };
  for (const ranks of PARALLEL_RANKS) {
    log(`\n${ranks} ${ranks === 1 ? 'rank' : 'ranks'}\n`);
    const args = ['-n', String(ranks), '--oversubscribe', '--bind-to', 'none', program];
    const { passed = 0, failed } = await doctestRun(log, 'mpirun', args, AS_ROOT);
    total.passed += passed;
    total.failed += failed;
  }
  return total;
}

/** Files that do not compile for CUDA, and kernels beyond their limits; each counts as a test. */
async function cudaCompile(log) {
  const { status, output } = await run(log, 'node', ['tests/cuda-compile.mjs']);
  const counts = [...output.matchAll(/(\d+) of (\d+) (?:files compile|kernels keep)/g)];
  if (counts.length === 0) return status === 0 ? { skipped: 1 } : { failed: 1 };
  const sum = (group) => counts.reduce((total, match) => total + Number(match[group]), 0);
  return { passed: sum(1), failed: sum(2) - sum(1) || (status === 0 ? 0 : 1) };
}

/** A vitest project, or some of its files; its JSON report, or null when there is none. */
async function vitestReport(log, project, files = []) {
  const report = join(artifacts, `${project}.json`);
  rmSync(report, { force: true });
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const selection = ['--config', 'tests/vitest.config.ts', '--project', project, ...files];
  const { status } = await run(log, 'npx', ['--no-install', 'vitest', 'run', ...selection, ...reporters]);
  if (!existsSync(report)) return null;
  return { status, files: JSON.parse(readFileSync(report, 'utf8')).testResults };
}

const vitest = (project) => async (log) => {
  const report = await vitestReport(log, project);
  return report ? countsOf(report) : { failed: 1 };
};

/** A project whose tests drive processes and pages: its failed files run once more. */
const vitestTwice = (project) => async (log) => {
  const first = await vitestReport(log, project);
  if (!first) return { failed: 1 };
  const again = worthAnotherTry(first);
  if (again.length === 0) return countsOf(first);
  log(`\nOnce more: ${again.join(', ')}\n`);
  const second = await vitestReport(log, project, again);
  return second ? countsOfBoth(first, second) : countsOf(first);
};

/** What a suite needs: packages and compiled TypeScript, or the native build as well. The longest ones stand first. */
const SOURCES = 'sources';
const BUILDS = 'builds';
const suites = {
  unit: [SOURCES, vitest('unit')],
  process: [SOURCES, vitestTwice('process')],
  types: [SOURCES, check('npm', 'run', '--silent', 'typecheck')],
  lint: [SOURCES, check('npm', 'run', '--silent', 'lint')],
  engine: [BUILDS, vitest('engine')],
  e2e: [BUILDS, vitestTwice('e2e')],
  reference: [BUILDS, vitest('reference')],
  faults: [BUILDS, vitest('faults')],
  parallel: [BUILDS, parallel],
  'cuda-compile': [BUILDS, cudaCompile],
  kernels: [BUILDS, doctest('collie-engine-tests')],
  // The tests for a GPU against themselves, so that the first run on one needs no edit.
  gpu: [BUILDS, doctest('collie-gpu-tests', { COLLIE_TEST_DEVICE: 'cpu' })],
  // The CUDA kernels on the CPU; one thread, since that of the fibers is the only one that works.
  emulation: [BUILDS, doctest('emulation/collie-emulation-tests', { OMP_NUM_THREADS: '1' })],
  addon: [BUILDS, vitest('addon')],
  core: [BUILDS, doctest('collie-core-tests')],
};
const groups = { fast: ['unit', 'types', 'lint', 'addon', 'core'] };

/** Runs a program to its end; `log` gets what it writes, as it comes. */
function run(log, program, args, env = {}) {
  return new Promise((resolve) => {
    let output = '';
    const take = (text) => {
      output += text;
      log(text);
    };
    const child = spawn(program, args, {
      cwd: root,
      env: { ...process.env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout.setEncoding('utf8').on('data', take);
    child.stderr.setEncoding('utf8').on('data', take);
    child.on('error', (error) => {
      take(`${program}: ${error.message}\n`);
      resolve({ status: 127, output });
    });
    child.on('close', (status) => resolve({ status, output }));
  });
}

const shown = (text) => process.stdout.write(text);
const table = [];
/** Which tests failed, said once more at the end: the suites' own output stands far above. */
const failures = [];
/** Those that passed at the second try. */
const flaky = [];
const running = new Map();

/** One suite: its output when it has ended, its row of the table. */
async function runSuite(name) {
  const begun = Date.now();
  running.set(name, begun);
  let output = '';
  const log = (text) => {
    output += text;
  };
  const counts = await suites[name][1](log);
  running.delete(name);
  shown(`\n── ${name} ${'─'.repeat(70 - name.length)}\n${output}`);
  addRow(name, counts, begun);
  flaky.push(...(counts.flaky ?? []));
  failures.push(...(counts.failures ?? (counts.failed ? [`${name}: see its output above`] : [])));
}

function addRow(suite, { passed = 0, failed = 0, skipped = 0 }, begun) {
  table.push({ suite, passed, failed, skipped, seconds: Math.round((Date.now() - begun) / 1000) });
}

/** Runs all of them, so many at a time, in the order of the table; those that need builds once these are there. */
async function runAll(wanted) {
  const waiting = Object.keys(suites).filter((name) => wanted.includes(name));
  const needsBuilds = (name) => suites[name][0] === BUILDS;
  let built = 'not yet';
  const jobs = new Set();
  const start = (job) => {
    const done = job.finally(() => jobs.delete(done));
    jobs.add(done);
  };
  if (waiting.some(needsBuilds)) {
    start(
      run(shown, 'node', ['native/setup.mjs', '--for-tests']).then(({ status }) => {
        built = status === 0 ? 'yes' : 'failed';
      }),
    );
  }
  while (waiting.length > 0 || jobs.size > 0) {
    for (const name of [...waiting]) {
      if (jobs.size >= LANES) break;
      if (needsBuilds(name) && built === 'not yet') continue;
      waiting.splice(waiting.indexOf(name), 1);
      if (needsBuilds(name) && built === 'failed') addRow(name, { failed: 1 }, Date.now());
      else start(runSuite(name));
    }
    await Promise.race(jobs);
  }
}

const asked = process.argv.slice(2).flatMap((name) => groups[name] ?? [name]);
const unknown = asked.find((name) => !(name in suites));
if (unknown) {
  console.error(`No suite \`${unknown}\`. There are: ${Object.keys({ ...suites, ...groups }).join(', ')}`);
  process.exit(2);
}
mkdirSync(artifacts, { recursive: true });
if ((await run(shown, 'node', ['native/setup.mjs', '--only', 'host', '--for-tests'])).status !== 0)
  process.exit(1);

const heartbeat = setInterval(() => {
  const now = [...running].map(([name, begun]) => `${name} (${Math.round((Date.now() - begun) / 1000)} s)`);
  if (now.length > 0) console.log(`running: ${now.join(', ')}`);
}, HEARTBEAT_MS);
await runAll(asked.length > 0 ? asked : Object.keys(suites));
clearInterval(heartbeat);

const sum = (key) => table.reduce((total, row) => total + row[key], 0);
const order = Object.keys(suites);
console.log();
console.table(table.sort((a, b) => order.indexOf(a.suite) - order.indexOf(b.suite)));
for (const failure of flaky) console.log(`flaky (passed at the second try): ${failure}`);
for (const failure of failures) console.log(`failed: ${failure}`);
console.log(`${sum('passed')} passed, ${sum('failed')} failed, ${sum('skipped')} skipped`);
process.exit(sum('failed') ? 1 : 0);
