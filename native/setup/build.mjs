/** The builds: native parts by CMake preset, host by tsc, page by Vite. */
import { existsSync, readdirSync, statSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import { command } from './command.mjs';
import { cudaToolkit } from './cuda-compiler.mjs';
import { cudaTorchDir, torchDir } from './libtorch.mjs';

/** A compiler job with torch headers takes about 1 GB: never more jobs than memory for them. */
const jobs = () => Math.max(1, Math.min(cpus().length, Math.floor(totalmem() / 2e9)));

const presets = {
  'cpu-release': { title: 'Native engine and addon', torch: torchDir },
  'cuda-release': { title: 'Native engine for CUDA', torch: cudaTorchDir },
};

/**
 * `targets`: what ninja is to make; empty for everything, the native tests included. `architectures`: of the GPUs to compile for; empty for
 * all that are supported.
 */
export function nativeBuild(native, preset, targets, architectures = '') {
  const target = join(native, 'build', preset);
  const { title, torch } = presets[preset];
  return {
    title,
    // ninja knows best what is out of date, and takes no time when nothing is.
    needed: () => true,
    async run(report) {
      const next =
        'Read the compiler error above. A clean build may help: delete native/build and start again.';
      report(null, 'configuring');
      const settings = [`-DCOLLIE_TORCH_DIR=${torch(native)}`];
      if (preset === 'cuda-release') settings.push(`-DCMAKE_CUDA_COMPILER=${cudaToolkit(native).nvcc}`);
      if (architectures) settings.push(`-DCMAKE_CUDA_ARCHITECTURES=${architectures}`);
      await command('cmake', ['--preset', preset, '-S', native, ...settings], { cwd: native, next });
      await command('ninja', ['-C', target, `-j${jobs()}`, ...targets], {
        env: { NINJA_STATUS: '[%f/%t] ' },
        onLine(line) {
          const match = /^\[(\d+)\/(\d+)\]/.exec(line);
          if (match)
            report(Number(match[1]) / Number(match[2]), `compiling, ${match[1]} of ${match[2]} files`);
        },
        next,
      });
    },
  };
}

export function hostBuild(root) {
  return {
    title: 'Host (TypeScript)',
    needed: () =>
      newest(join(root, 'electron'), join(root, 'tsconfig.json')) > age(join(root, 'dist/.tsbuildinfo')),
    run: () =>
      command('npx', ['--no-install', 'tsc', '-p', 'tsconfig.json'], {
        cwd: root,
        next: 'Read the type error above.',
      }),
  };
}

export function rendererBuild(root) {
  return {
    title: 'Workbench page',
    needed: () =>
      newest(join(root, 'renderer'), join(root, 'electron/shared'), join(root, 'package-lock.json')) >
      age(join(root, 'dist/renderer/index.html')),
    run: () =>
      command(
        'npx',
        ['--no-install', 'vite', 'build', '--config', 'renderer/vite.config.ts', '--logLevel', 'warn'],
        {
          cwd: root,
          next: 'Read the error above.',
        },
      ),
  };
}

const age = (file) => (existsSync(file) ? statSync(file).mtimeMs : 0);

/** Newest change below these files and folders. */
function newest(...paths) {
  let latest = 0;
  for (const path of paths) {
    latest = Math.max(latest, age(path));
    if (existsSync(path) && statSync(path).isDirectory())
      for (const name of readdirSync(path)) latest = Math.max(latest, newest(join(path, name)));
  }
  return latest;
}
