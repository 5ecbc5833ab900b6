/** What every user of `collie-rank` needs: where it is, and what its end means. */
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { z } from 'zod';
import { errorInfoSchema } from '../../shared/error-info.ts';
import { CollieError } from '../../shared/errors.ts';
import { type EngineBuild, rankExecutable } from '../native/addon.ts';

const builds = {
  cpu: { what: 'The training engine', how: 'Run `node native/setup.mjs` to build it.' },
  cuda: {
    what: 'The training engine for CUDA',
    how: 'Run `node native/setup.mjs --only cuda` to build it, or set device to cpu.',
  },
} as const;

/** Path of the executable. Throws engine.not_built. */
export function requireRank(build: EngineBuild = 'cpu'): string {
  const program = rankExecutable(build);
  if (existsSync(program)) return program;
  const { what, how } = builds[build];
  throw new CollieError('engine.not_built', `${what} is missing: ${program}`, how, { path: program });
}

/**
 * For processes of the engine: how long a thread that waits for another keeps its processor, in looks. libgomp's own choice is 300,000, milliseconds in which
 * the other may need that very processor: beside two busy programs a step took twice its share of the machine. What the user has set stays.
 */
export function rankEnvironment(given: NodeJS.ProcessEnv = process.env): Record<string, string> {
  return given.OMP_WAIT_POLICY || given.GOMP_SPINCOUNT ? {} : { GOMP_SPINCOUNT: '1000' };
}

/** Path of Open MPI's launcher: $COLLIE_MPIRUN, else the first `mpirun` of the PATH. Throws setup.failed. */
export function requireMpirun(): string {
  const given = process.env.COLLIE_MPIRUN;
  const places = given
    ? [given]
    : (process.env.PATH ?? '').split(delimiter).map((dir) => join(dir, 'mpirun'));
  const found = places.find((path) => existsSync(path));
  if (found) return found;
  throw new CollieError(
    'setup.failed',
    given
      ? `There is no mpirun at ${given}.`
      : 'Several ranks are started by mpirun of Open MPI, which is not installed.',
    'Install it (Debian and Ubuntu: `apt install openmpi-bin`), or set every parallel size to 1.',
  );
}

/** The error of a rank that ended: its own last JSON line, else how the system ended it. */
export function diedError(code: number | null, signal: NodeJS.Signals | null, stderr: string): CollieError {
  const own = errorLine(stderr);
  if (own) return own;
  const how = signal ? `was ended by ${signal}` : `ended with exit code ${code}`;
  const hint =
    signal === 'SIGKILL' ? 'The system may have run out of memory.' : 'Its last output is in the details.';
  return new CollieError('rank.died', `The engine ${how}.`, hint, {
    code,
    signal,
    log: stderr.trimEnd().slice(-2_000),
  });
}

/** The last line `{"error": {...}}` of a rank's error output, or null. */
export function errorLine(output: string): CollieError | null {
  for (const line of output.split('\n').reverse()) {
    if (!line.startsWith('{"error"')) continue;
    try {
      return CollieError.fromInfo(z.object({ error: errorInfoSchema }).parse(JSON.parse(line)).error);
    } catch {
      // Torn or foreign: an earlier line may do.
    }
  }
  return null;
}
