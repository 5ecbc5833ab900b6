/** `collie bench gemm`: what matrix products reach here, kept for the share that runs reach of it. */
import { type Command, Option } from 'commander';
import { defaultHome } from '../../server/host.ts';
import { flopsText } from '../../server/machine/flops-text.ts';
import {
  type GemmDevice,
  type GemmPrecision,
  type GemmRate,
  measureGemm,
} from '../../server/machine/gemm.ts';
import { gpuPeak } from '../../server/machine/gpu-peaks.ts';
import { exitCodes, printError, printJson } from '../output.ts';

const precisions: readonly GemmPrecision[] = ['bf16', 'fp32'];

export function registerGemm(bench: Command, program: Command): void {
  bench
    .command('gemm')
    .description(
      'FLOP/s that matrix products reach on this machine; runs then show their share of it. Takes a few seconds, in which nothing else should compute',
    )
    .addOption(new Option('--device <device>', 'where').choices(['cpu', 'cuda']).default('cpu'))
    .action(async ({ device }: { device: GemmDevice }) => {
      const json = program.opts<{ json?: boolean }>().json ?? false;
      try {
        const rates: GemmRate[] = [];
        for (const precision of precisions) rates.push(await measureGemm(defaultHome(), device, precision));
        if (json) printJson({ rates });
        else process.stdout.write(`${rates.map(lineOf).join('\n')}\n`);
      } catch (thrown) {
        printError(thrown, json);
        process.exitCode = exitCodes.failed;
      }
    });
}

function lineOf({ device, precision, threads, flopsPerSecond }: GemmRate): string {
  const with_ = threads === null ? '' : `, ${threads} ${threads === 1 ? 'thread' : 'threads'}`;
  const peak = threads === null ? gpuPeak(device, precision) : null;
  const share = peak === null ? '' : `, ${Math.round((100 * flopsPerSecond) / peak)}% of its data sheet`;
  return `${precision}  ${flopsText(flopsPerSecond)}  (${device}${with_}${share})`;
}
