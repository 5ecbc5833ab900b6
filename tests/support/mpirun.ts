/** Starts ranks with mpirun, as tests need it: more of them than cores, and as root too. */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { rankExecutable } from '../../electron/server/native/addon.ts';
import { errorInfoSchema } from '../../electron/shared/error-info.ts';
import type { ErrorInfo } from '../../electron/shared/errors.ts';

const tests = join(dirname(rankExecutable()), '../tests');
export const parallelTests = join(tests, 'collie-parallel-tests');
export const faultyRanks = join(tests, 'collie-faulty-ranks');

/** Why there can be no several ranks here, or null. */
export const noMpi =
  spawnSync('mpirun', ['--version']).status === 0 && existsSync(faultyRanks)
    ? null
    : 'Tests of several ranks are skipped: no mpirun, or an engine built without MPI (install libopenmpi-dev and openmpi-bin).';
if (noMpi) console.warn(noMpi);

export const mpirunOptions = ['--oversubscribe', '--bind-to', 'none'];
export const mpirunEnvironment = {
  ...process.env,
  OMPI_ALLOW_RUN_AS_ROOT: '1',
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM: '1',
};

export interface Job {
  child: ChildProcess;
  /** What it has written up to now. */
  output(): string;
  /** Resolves when a line with this text has been written. */
  said(text: string): Promise<void>;
  ended: Promise<{ code: number | null; output: string }>;
}

export const mpirun = (ranks: number, program: string, ...args: string[]): Job =>
  startJob(['mpirun', '-n', String(ranks), ...mpirunOptions, program, ...args]);

export function startJob([command = '', ...args]: string[]): Job {
  const child = spawn(command, args, { env: mpirunEnvironment, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  const listeners = new Set<() => void>();
  const take = (chunk: Buffer) => {
    output += chunk;
    for (const listener of listeners) listener();
  };
  child.stdout.on('data', take);
  child.stderr.on('data', take);
  const ended = new Promise<{ code: number | null; output: string }>((resolve) =>
    child.on('close', (code) => resolve({ code, output })),
  );
  const said = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const look = () => output.includes(text) && resolve();
      listeners.add(look);
      look();
      void ended.then(() => reject(new Error(`ended before it said "${text}":\n${output}`)));
    });
  return { child, said, ended, output: () => output };
}

/** The error lines that ranks wrote. */
export function errorLines(output: string): ErrorInfo[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{"error"'))
    .map((line) => errorInfoSchema.parse(JSON.parse(line).error));
}

/** Ids of the ranks whose command line has this word; not of the mpirun that started them. */
export function ranksWith(word: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        const [program, ...args] = readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0');
        return program === faultyRanks && args.includes(word);
      } catch {
        return false; // gone meanwhile
      }
    })
    .map(Number);
}

/** Waits until the last of them is gone, at most so long; false when some are still there. */
export async function gone(word: string, seconds: number): Promise<boolean> {
  for (const end = Date.now() + seconds * 1000; ranksWith(word).length > 0; ) {
    if (Date.now() > end) return false;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return true;
}
