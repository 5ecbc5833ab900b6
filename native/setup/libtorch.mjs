/** libtorch out of the PyPI wheel: headers, libraries and CMake files; no Python package is installed. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { command } from './command.mjs';
import { SetupError } from './console.mjs';

export const TORCH_VERSION = '2.13.0';
const EXTRACT = [
  'import sys, zipfile',
  'wheel, target = sys.argv[1:3]',
  "names = [n for n in zipfile.ZipFile(wheel).namelist() if n.startswith(('torch/lib/', 'torch/include/', 'torch/version.py'))]",
  'archive = zipfile.ZipFile(wheel)',
  'for i, name in enumerate(names):',
  '    archive.extract(name, target)',
  '    if i % 200 == 0: print(f"PROGRESS {i / len(names):.3f}", flush=True)',
].join('\n');

/** Where the torch folder is: COLLIE_TORCH_DIR when the user has one already, else native/.deps/torch. */
export const torchDir = (native) => process.env.COLLIE_TORCH_DIR ?? join(native, '.deps/torch');

export function libtorch(native) {
  const folder = torchDir(native);
  const stamp = join(folder, '.collie-version');
  const ready = () =>
    process.env.COLLIE_TORCH_DIR ? true : existsSync(stamp) && readFileSync(stamp, 'utf8') === TORCH_VERSION;
  return {
    title: `libtorch ${TORCH_VERSION}`,
    needed: () => !ready(),
    async run(report) {
      const work = join(native, '.deps/torch-download');
      rmSync(work, { recursive: true, force: true });
      mkdirSync(work, { recursive: true });
      report(null, 'downloading the wheel');
      await download(work, report);
      const wheel = readdirSync(work).find((name) => name.endsWith('.whl'));
      if (!wheel)
        throw new SetupError(
          `pip left no wheel in ${work}`,
          'Start again; if it stays so, set COLLIE_TORCH_DIR to a torch folder.',
        );
      await command('python3', ['-c', EXTRACT, join(work, wheel), work], {
        onLine: (line) => line.startsWith('PROGRESS') && report(Number(line.split(' ')[1]), 'extracting'),
        next: 'Free some disk space (1.5 GB are needed while extracting) and start again.',
      });
      writeFileSync(join(work, 'torch/.collie-version'), TORCH_VERSION);
      rmSync(folder, { recursive: true, force: true });
      renameSync(join(work, 'torch'), folder);
      rmSync(work, { recursive: true, force: true });
    },
  };
}

async function download(work, report) {
  const timer = setInterval(
    () => report(null, `downloading the wheel, ${(bytesIn(work) / 1e6).toFixed(0)} MB`),
    500,
  );
  try {
    await command(
      'python3',
      [
        '-m',
        'pip',
        'download',
        '--no-deps',
        '--only-binary=:all:',
        '--no-cache-dir',
        '-q',
        '-d',
        work,
        `torch==${TORCH_VERSION}`,
      ],
      {
        env: { TMPDIR: work, PIP_DISABLE_PIP_VERSION_CHECK: '1' },
        next: `Check the network. If pip finds no wheel for your Python, put one of Python 3.10 to 3.14 first on the PATH, or set COLLIE_TORCH_DIR to the torch folder of an installed torch ${TORCH_VERSION}.`,
      },
    );
  } finally {
    clearInterval(timer);
  }
}

function bytesIn(folder) {
  let sum = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    sum += statSync(join(entry.parentPath ?? entry.path, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return sum;
}
