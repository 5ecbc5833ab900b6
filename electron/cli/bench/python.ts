/** The baseline's Python environment: made once by pip from pinned versions, or one that the user names. */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readLines } from '../../server/files/lines.ts';
import { CollieError } from '../../shared/errors.ts';

/** Path of the interpreter inside a virtual environment. */
export const venvPython = (folder: string) =>
  process.platform === 'win32' ? join(folder, 'Scripts/python.exe') : join(folder, 'bin/python');

/** Makes a virtual environment with these requirements unless it is there already; reports lines of progress. */
export async function ensureVenv(
  folder: string,
  requirementsFile: string,
  report: (line: string) => void,
): Promise<string> {
  const requirements = readFileSync(requirementsFile, 'utf8');
  const stamp = join(folder, '.collie-requirements');
  const python = venvPython(folder);
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === requirements) return python;
  mkdirSync(folder, { recursive: true });
  report('making a Python environment');
  await step('python3', ['-m', 'venv', '--clear', folder], report);
  report(`installing ${requirements.trim().split(/\s+/).join(', ')}`);
  await step(
    python,
    ['-m', 'pip', 'install', '--progress-bar=off', '--disable-pip-version-check', '-r', requirementsFile],
    report,
  );
  writeFileSync(stamp, requirements);
  return python;
}

function step(program: string, args: string[], report: (line: string) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    const tail: string[] = [];
    const follow = (line: string) => {
      tail.push(line);
      if (tail.length > 8) tail.shift();
      if (/^(Collecting|Downloading|Installing)/.test(line.trim())) report(line.trim());
    };
    readLines(child.stdout, follow);
    readLines(child.stderr, follow);
    const failed = (why: string) =>
      reject(
        new CollieError(
          'setup.failed',
          `\`${program} ${args.join(' ')}\` failed: ${why}\n${tail.join('\n')}`,
          'Check the network, or name a Python that has torch, transformers and peft with --python.',
        ),
      );
    child.on('error', (error) => failed(error.message));
    child.once('close', (code) => (code === 0 ? resolve() : failed(`code ${code}`)));
  });
}

/** Throws setup.failed when this interpreter lacks a package of the baseline. */
export function checkPython(python: string): void {
  const result = spawnSync(python, ['-c', 'import torch, transformers, peft, numpy'], { encoding: 'utf8' });
  if (result.status === 0) return;
  const why = result.error?.message ?? result.stderr.trim().split('\n').at(-1) ?? '';
  throw new CollieError(
    'setup.failed',
    `${python} cannot import the baseline's packages: ${why}`,
    'Install torch, transformers, peft and numpy there, or leave out --python.',
  );
}

const jemallocFolders = [
  '/usr/lib/x86_64-linux-gnu',
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib64',
  '/usr/lib',
  '/usr/local/lib',
];

/** Path of a jemalloc to preload, or null where none is installed. */
export function findJemalloc(): string | null {
  const paths = jemallocFolders.map((folder) => join(folder, 'libjemalloc.so.2'));
  return paths.find((path) => existsSync(path)) ?? null;
}
