/** Sees to the compilers that prebuild.sh needs, and prints the path of nvcc. Progress goes to standard error. */
import { join } from 'node:path';
import { runSteps } from '../setup/console.mjs';
import { cudaCompiler, cudaToolkit } from '../setup/cuda-compiler.mjs';
import { systemPackages } from '../setup/packages.mjs';

const native = join(import.meta.dirname, '..');
const { log } = console;
console.log = console.error;
await runSteps([systemPackages(false), cudaCompiler(native)], true);
log(cudaToolkit(native).nvcc);
