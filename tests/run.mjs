#!/usr/bin/env node
/**
 * `npm test`: sets up what it needs, runs every suite, and ends with one line over all of them.
 *
 *   npm test                      everything
 *   npm test -- unit engine       only these suites (names below)
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const artifacts = join(root, 'tests/.artifacts');
const native = join(root, 'native/build/cpu-release/tests');

/** One command that passes or fails as a whole. */
const check =
  (program, ...args) =>
  () =>
    run(program, args) === 0 ? { passed: 1 } : { failed: 1 };

/** A doctest executable; its summary line has the counts. */
const doctest = (name) => () => doctestRun(join(native, name), []);
const doctestRun = (program, args) => {
  // Containers often have only root, whom mpirun refuses unless told that it is meant.
  const env = { ...process.env, OMPI_ALLOW_RUN_AS_ROOT: '1', OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1' };
  const result = spawnSync(program, args, { cwd: root, env, encoding: 'utf8', maxBuffer: 1 << 26 });
  const output = `${result.stdout ?? ''}${result.stderr ?? ''}${result.error ?? ''}`;
  process.stdout.write(output);
  const match = /test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed\s*\|\s*(\d+) skipped/.exec(
    output,
  );
  if (!match) return { failed: 1 };
  const [passed, failed, skipped] = match.slice(2).map(Number);
  return { passed, failed: failed || (result.status === 0 ? 0 : 1), skipped };
};

/** What several ranks test together, on every number of them. Cases for another number are no skips. */
const PARALLEL_RANKS = [1, 2, 3, 4, 8];
const parallel = () => {
  const program = join(native, 'collie-parallel-tests');
  if (!existsSync(program)) {
    console.log('Skipped: the engine was built without MPI. Next: install libopenmpi-dev and openmpi-bin.');
    return { skipped: 1 };
  }
  const total = { passed: 0, failed: 0 };
  for (const ranks of PARALLEL_RANKS) {
    console.log(`\n${ranks} ${ranks === 1 ? 'rank' : 'ranks'}`);
    const { passed = 0, failed } = doctestRun('mpirun', [
      ...['-n', String(ranks), '--oversubscribe', '--bind-to', 'none', program],
    ]);
    total.passed += passed;
    total.failed += failed;
  }
  return total;
};

/** A vitest project; counts come from its JSON report. */
const vitest = (project) => () => {
  const report = join(artifacts, `${project}.json`);
  rmSync(report, { force: true });
  const status = run('npx', [
    '--no-install',
    'vitest',
    'run',
    '--config',
    'tests/vitest.config.ts',
    '--project',
    project,
    '--reporter=default',
    '--reporter=json',
    `--outputFile.json=${report}`,
  ]);
  if (!existsSync(report)) return { failed: 1 };
  const { numPassedTests, numFailedTests, numPendingTests, numTodoTests } = JSON.parse(
    readFileSync(report, 'utf8'),
  );
  // A file that fails to load has no failed test, but the run has failed all the same.
  const failed = numFailedTests || (status === 0 ? 0 : 1);
  return { passed: numPassedTests, failed, skipped: numPendingTests + numTodoTests };
};

const suites = {
  types: check('npm', 'run', '--silent', 'typecheck'),
  lint: check('npm', 'run', '--silent', 'lint'),
  core: doctest('collie-core-tests'),
  kernels: doctest('collie-engine-tests'),
  parallel,
  unit: vitest('unit'),
  engine: vitest('engine'),
  reference: vitest('reference'),
  e2e: vitest('e2e'),
};

function run(program, args) {
  return spawnSync(program, args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] }).status;
}

const wanted = process.argv.slice(2);
const unknown = wanted.find((name) => !(name in suites));
if (unknown) {
  console.error(`No suite \`${unknown}\`. There are: ${Object.keys(suites).join(', ')}`);
  process.exit(2);
}
mkdirSync(artifacts, { recursive: true });
if (run('node', ['native/setup.mjs', '--for-tests']) !== 0) process.exit(1);

const total = { passed: 0, failed: 0, skipped: 0 };
const table = [];
for (const [name, suite] of Object.entries(suites)) {
  if (wanted.length && !wanted.includes(name)) continue;
  console.log(`\n── ${name} ${'─'.repeat(70 - name.length)}`);
  const begun = Date.now();
  const { passed = 0, failed = 0, skipped = 0 } = suite();
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  table.push({ suite: name, passed, failed, skipped, seconds: Math.round((Date.now() - begun) / 1000) });
}
console.log();
console.table(table);
console.log(`${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`);
process.exit(total.failed ? 1 : 0);
