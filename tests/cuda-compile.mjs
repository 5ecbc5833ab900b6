/**
 * Suite `cuda-compile`: all that is made for NVIDIA GPUs compiles without a warning, on a machine without one, and every kernel keeps to
 * its limits (cuda-sass.mjs).
 *   node tests/cuda-compile.mjs      prints "<n> of <m> files compile", "<n> of <m> kernels keep", and exits 1 when some do not
 */
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { cudaToolkit, ncclInclude } from '../native/setup/cuda-compiler.mjs';
import { torchDir } from '../native/setup/libtorch.mjs';
import { checkSass } from './cuda-sass.mjs';

const native = join(dirname(fileURLToPath(import.meta.url)), '../native');
const build = join(native, 'build/cuda-compile');
const run = (program, ...args) => spawnSync(program, args, { encoding: 'utf8', maxBuffer: 1 << 26 });

const toolkit = cudaToolkit(native);
if (!toolkit) {
  console.log('Skipped: no CUDA compiler for this system. NVIDIA has them for Linux.');
  process.exit(0);
}
const configured = run(
  'cmake',
  ...['-G', 'Ninja', '-S', join(native, 'tests/cuda-compile'), '-B', build],
  `-DCMAKE_CUDA_COMPILER=${toolkit.nvcc}`,
  `-DCOLLIE_TORCH_DIR=${torchDir(native)}`,
  `-DNCCL_INCLUDE=${ncclInclude(native)}`,
);
if (configured.status !== 0) {
  console.log(`${configured.stdout}${configured.stderr}`);
  process.exit(1);
}
const { status, stdout } = run('ninja', '-C', build, '-k', '0', '-j2');
const failed = (stdout.match(/^FAILED: /gm) ?? []).length;
if (status !== 0) console.log(stdout);
const units = (run('ninja', '-C', build, '-t', 'targets', 'all').stdout.match(/\.(cu|cpp)\.o: /g) ?? [])
  .length;
console.log(`${units - failed} of ${units} files compile for sm_80, sm_90, sm_100 and sm_120`);
if (status !== 0) process.exit(1);
const sass = checkSass(native, build, toolkit.nvcc, process.argv.includes('--write-limits'));
for (const fault of sass.faults) console.log(fault);
if (!sass.counts) console.log('Counts are of another CUDA and not looked at; widths are.');
console.log(`${sass.kept} of ${sass.all} kernels keep to native/tests/cuda-compile/sass.tsv`);
process.exit(sass.faults.length > 0 ? 1 : 0);
