/**
 * The parsers of the core fed with damaged files (native/tests/fuzz). Under AddressSanitizer and UndefinedBehaviorSanitizer in the whole
 * campaign, which builds them so; the short part takes the program of the ordinary build.
 */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryFolder } from '../engine/support.ts';
import { FUZZ, SEED, whole } from './campaign.ts';

const native = join(import.meta.dirname, '../../native');
const build = join(native, whole ? 'build/fuzz' : 'build/cpu-release');
const program = join(build, 'tests/fuzz/collie-fuzz');
const folder = temporaryFolder();

function run(command: string, args: string[], env = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    cwd: native,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    env: { ...process.env, TMPDIR: folder, ...env },
  });
  expect(status, `${command} ${args.join(' ')}\n${stdout}\n${stderr}`).toBe(0);
  return stdout;
}

test.skipIf(!whole && !existsSync(program))(
  `the parsers of the core, ${FUZZ} mutations each`,
  () => {
    if (whole) {
      run('cmake', ['--preset', 'fuzz']);
      run('cmake', ['--build', '--preset', 'fuzz']);
    }
    const input = join(folder, 'input');
    const counts = run(program, ['--runs', String(FUZZ), '--seed', String(SEED)], {
      COLLIE_FUZZ_INPUT: input,
    });
    console.log(counts);
    expect(counts.trim().split('\n').length).toBeGreaterThanOrEqual(9);
  },
  3_600_000,
);
