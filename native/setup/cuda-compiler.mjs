/**
 * NVIDIA's compiler, cuobjdump and NCCL's header for machines without a CUDA toolkit, out of PyPI wheels (110 MB to download, 330 MB on
 * disk): enough to compile and link the engine for CUDA, and to look at what came out. No GPU and no driver is needed.
 */
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { has } from './command.mjs';
import { cudaTorchDir, download, extract, NCCL_VERSION } from './libtorch.mjs';

/** The CUDA that the pinned torch was built with: its libraries and the program share one libcudart. */
const CUDA_MAJOR = 13;
const WHEELS = [
  'nvidia-cuda-nvcc==13.0.88',
  'nvidia-nvvm==13.0.88',
  'nvidia-cuda-crt==13.0.88',
  'nvidia-cuda-runtime==13.0.96',
  'nvidia-cuda-cccl==13.0.85', // nv/target, which cuda_bf16.h includes
];

/** cuobjdump starts nvdisasm. They read the code of every CUDA before them as well. */
const DISASSEMBLER_VERSION = '13.2.51';
const DISASSEMBLERS = ['cuobjdump', 'nvdisasm'];

const folder = (native) => join(native, '.deps/cuda-compiler');

/** The release of an nvcc, e.g. [13, 0]; null when it does not run. */
function release(nvcc) {
  const { status, stdout } = spawnSync(nvcc, ['--version'], { encoding: 'utf8' });
  const match = status === 0 ? /release (\d+)\.(\d+)/.exec(stdout) : null;
  return match ? match.slice(1).map(Number) : null;
}

function machineCompilers() {
  const homes = [process.env.CUDA_HOME, process.env.CUDA_PATH, '/usr/local/cuda'].filter(Boolean);
  const onPath = has('nvcc') ? [spawnSync('which', ['nvcc'], { encoding: 'utf8' }).stdout.trim()] : [];
  return [process.env.CUDACXX, ...onPath, ...homes.map((home) => join(home, 'bin/nvcc'))].filter(
    (path) => path && existsSync(path),
  );
}

/**
 * The compiler to build with: the machine's own if it is of CUDA 13, else the fetched one.
 * @returns {{nvcc: string, root: string} | null} the program, and the folder with its include/ and lib/
 */
export function cudaToolkit(native) {
  for (const nvcc of [...machineCompilers(), join(folder(native), 'bin/nvcc')]) {
    if (release(nvcc)?.[0] !== CUDA_MAJOR) continue;
    const root = rootOf(nvcc);
    if (root) return { nvcc, root };
  }
  return null;
}

/** nvcc may be a script that starts another: its dry run names the folder that it works from. */
function rootOf(nvcc) {
  const { stderr = '' } = spawnSync(nvcc, ['--dryrun', '-c', '-x', 'cu', '/dev/null', '-o', '/dev/null'], {
    encoding: 'utf8',
  });
  const top = /^#\$ TOP=(.+)$/m.exec(stderr)?.[1];
  return top && existsSync(join(top, 'include/cuda_runtime_api.h')) ? join(top) : null;
}

/** The release that the limits of native/tests/cuda-compile/sass.tsv were counted with. */
export const isPinnedCompiler = (nvcc) =>
  spawnSync(nvcc, ['--version'], { encoding: 'utf8' }).stdout.includes(WHEELS[0].replace(/.*==/, 'V'));

/** A set-up step: fetches nvcc into native/.deps/cuda-compiler where the machine has none of CUDA 13. */
export function cudaCompiler(native) {
  return {
    title: `CUDA ${CUDA_MAJOR} compiler`,
    needed: () => process.platform === 'linux' && !cudaToolkit(native),
    async run(report) {
      await fetched(native, WHEELS, ['nvidia/'], report, (work) =>
        finishToolkit(join(work, 'nvidia/cu13'), folder(native)),
      );
    },
  };
}

/** What a wheel cannot hold: modes, and the link that `-lcudart` looks for. */
function finishToolkit(made, target) {
  for (const programs of ['bin', 'nvvm/bin'])
    for (const entry of readdirSync(join(made, programs), { withFileTypes: true }))
      if (entry.isFile()) chmodSync(join(made, programs, entry.name), 0o755);
  symlinkSync('libcudart.so.13', join(made, 'lib/libcudart.so'));
  symlinkSync('lib', join(made, 'lib64'));
  rmSync(target, { recursive: true, force: true });
  renameSync(made, target);
}

/** The folder of nccl.h: of the CUDA libtorch's set-up where that was made, else what ncclHeader() fetches. */
export const ncclInclude = (native) => {
  const site = join(dirname(cudaTorchDir(native)), 'nvidia/nccl/include');
  return existsSync(join(site, 'nccl.h')) ? site : join(native, '.deps/nccl/include');
};

/** A set-up step: NCCL's header alone, to compile against. The wheel has 200 MB, of which 60 KB stay. */
export function ncclHeader(native) {
  const stamp = join(native, '.deps/nccl/version');
  return {
    title: `NCCL ${NCCL_VERSION} header`,
    needed: () =>
      process.platform === 'linux' &&
      !ncclInclude(native).startsWith(dirname(cudaTorchDir(native))) &&
      !(existsSync(stamp) && readFileSync(stamp, 'utf8') === NCCL_VERSION),
    async run(report) {
      const wheel = [`nvidia-nccl-cu13==${NCCL_VERSION}`];
      await fetched(native, wheel, ['nvidia/nccl/include/'], report, (work) => {
        rmSync(join(native, '.deps/nccl'), { recursive: true, force: true });
        cpSync(join(work, 'nvidia/nccl/include'), join(native, '.deps/nccl/include'), { recursive: true });
        writeFileSync(stamp, NCCL_VERSION);
      });
    },
  };
}

/** cuobjdump, which shows what nvcc made: the one beside the compiler, else the fetched one; null where there is neither. */
export function cudaDisassembler(native) {
  const root = cudaToolkit(native)?.root;
  const places = [...(root ? [join(root, 'bin')] : []), join(native, '.deps/cuobjdump')];
  const whole = places.find((place) => DISASSEMBLERS.every((program) => existsSync(join(place, program))));
  return whole ? join(whole, 'cuobjdump') : null;
}

/** A set-up step: cuobjdump and nvdisasm (6 MB), for the counts of the tier cuda-compile. */
export function cudaDisassemblerStep(native) {
  return {
    title: `cuobjdump ${DISASSEMBLER_VERSION}`,
    needed: () => process.platform === 'linux' && !cudaDisassembler(native),
    async run(report) {
      const wheels = DISASSEMBLERS.map((program) => `nvidia-cuda-${program}==${DISASSEMBLER_VERSION}`);
      await fetched(native, wheels, ['nvidia/cu13/bin/'], report, (work) => {
        const target = join(native, '.deps/cuobjdump');
        cpSync(join(work, 'nvidia/cu13/bin'), target, { recursive: true });
        for (const program of DISASSEMBLERS) chmodSync(join(target, program), 0o755);
      });
    },
  };
}

/** Downloads wheels, extracts what starts with one of `prefixes`, hands the folder on, removes it. */
async function fetched(native, wheels, prefixes, report, use) {
  const work = join(native, '.deps/download');
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  await download(work, ['--no-deps', ...wheels], report);
  await extract(work, work, prefixes, report);
  use(work);
  rmSync(work, { recursive: true, force: true });
}
