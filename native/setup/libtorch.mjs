/**
 * libtorch out of PyPI wheels: headers and libraries only, no Python package is installed. The CPU build goes to
 * native/.deps/torch; the CUDA build to native/.deps/cuda-site/torch, beside NVIDIA's own libraries where the machine
 * has a GPU to load them for (compiling and linking need only the former).
 */
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
import { command, has } from './command.mjs';
import { SetupError } from './console.mjs';

const CPU_VERSION = '2.13.0';
const CUDA_VERSION = '2.14.1';
export const NCCL_VERSION = '2.30.7'; // the one that this torch loads

/** Extracts the named folders of all wheels in a folder; prints its progress. */
const EXTRACT = `
import pathlib, sys, zipfile
source, target, *prefixes = sys.argv[1:]
archives = [zipfile.ZipFile(wheel) for wheel in sorted(pathlib.Path(source).glob("*.whl"))]
jobs = [(archive, name) for archive in archives for name in archive.namelist() if name.startswith(tuple(prefixes))]
for i, (archive, name) in enumerate(jobs):
    archive.extract(name, target)
    if i % 100 == 0: print(f"PROGRESS {i / len(jobs):.3f}", flush=True)
`;
const TORCH_PARTS = ['torch/lib/', 'torch/include/', 'torch/version.py'];

/** Where the torch folder is: COLLIE_TORCH_DIR when the user has one already, else below native/.deps. */
export const torchDir = (native) => process.env.COLLIE_TORCH_DIR ?? join(native, '.deps/torch');
export const cudaTorchDir = (native) => process.env.COLLIE_TORCH_DIR ?? join(native, '.deps/cuda-site/torch');

export function libtorch(native) {
  return wheels(native, `libtorch ${CPU_VERSION}`, torchDir(native), CPU_VERSION, async (work, report) => {
    await download(work, ['--no-deps', `torch==${CPU_VERSION}`], report);
    await extract(work, work, TORCH_PARTS, report);
    return join(work, 'torch');
  });
}

export function cudaLibtorch(native) {
  const hasGpu = has('nvidia-smi');
  return wheels(
    native,
    `libtorch ${CUDA_VERSION} for CUDA`,
    cudaTorchDir(native),
    CUDA_VERSION,
    async (work, report) => {
      // With a GPU, all that libtorch_cuda.so loads: its wheel finds NVIDIA's libraries in ../nvidia.
      await download(
        work,
        hasGpu ? [`torch==${CUDA_VERSION}`] : ['--no-deps', `torch==${CUDA_VERSION}`],
        report,
      );
      const site = join(native, '.deps/cuda-site');
      rmSync(site, { recursive: true, force: true });
      await extract(work, site, [...TORCH_PARTS, 'nvidia/'], report);
      return join(site, 'torch');
    },
  );
}

/** NCCL's header and library beside the CUDA libtorch; with a GPU they have come with it. */
export function nccl(native) {
  const site = join(native, '.deps/cuda-site');
  const header = join(site, 'nvidia/nccl/include/nccl.h');
  return {
    title: `NCCL ${NCCL_VERSION}`,
    needed: () => !process.env.COLLIE_TORCH_DIR && !existsSync(header),
    async run(report) {
      const work = join(native, '.deps/download');
      rmSync(work, { recursive: true, force: true });
      mkdirSync(work, { recursive: true });
      await download(work, ['--no-deps', `nvidia-nccl-cu13==${NCCL_VERSION}`], report);
      await extract(work, site, ['nvidia/nccl/include/', 'nvidia/nccl/lib/'], report);
      rmSync(work, { recursive: true, force: true });
    },
  };
}

/** A set-up step that makes `folder` with `make(work, report)` -> path, once per version. */
function wheels(native, title, folder, version, make) {
  const stamp = join(folder, '.collie-version');
  return {
    title,
    needed: () =>
      !process.env.COLLIE_TORCH_DIR && !(existsSync(stamp) && readFileSync(stamp, 'utf8') === version),
    async run(report) {
      const work = join(native, '.deps/download');
      rmSync(work, { recursive: true, force: true });
      mkdirSync(work, { recursive: true });
      const made = await make(work, report);
      writeFileSync(join(made, '.collie-version'), version);
      if (made !== folder) {
        rmSync(folder, { recursive: true, force: true });
        renameSync(made, folder);
      }
      rmSync(work, { recursive: true, force: true });
    },
  };
}

export async function download(work, what, report) {
  const timer = setInterval(() => report(null, `downloading, ${(bytesIn(work) / 1e6).toFixed(0)} MB`), 500);
  try {
    await command(
      'python3',
      ['-m', 'pip', 'download', '--only-binary=:all:', '--no-cache-dir', '-q', '-d', work, ...what],
      {
        env: { TMPDIR: work, PIP_DISABLE_PIP_VERSION_CHECK: '1' },
        next: 'Check the network. If pip finds no wheel for your Python, put one of Python 3.10 to 3.14 first on the PATH, or set COLLIE_TORCH_DIR to the torch folder of an installed torch.',
      },
    );
  } finally {
    clearInterval(timer);
  }
}

export async function extract(source, target, prefixes, report) {
  if (!readdirSync(source).some((name) => name.endsWith('.whl')))
    throw new SetupError(
      `pip left no wheel in ${source}`,
      'Start again; if it stays so, set COLLIE_TORCH_DIR to a torch folder.',
    );
  await command('python3', ['-c', EXTRACT, source, target, ...prefixes], {
    onLine: (line) => line.startsWith('PROGRESS') && report(Number(line.split(' ')[1]), 'extracting'),
    next: 'Free some disk space (1.5 GB are needed while extracting, 8 GB for CUDA) and start again.',
  });
}

function bytesIn(folder) {
  let sum = 0;
  for (const entry of readdirSync(folder, { withFileTypes: true, recursive: true })) {
    if (!entry.isFile()) continue;
    sum += statSync(join(entry.parentPath ?? entry.path, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return sum;
}
