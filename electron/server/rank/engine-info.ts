/** What a build of the engine says of itself and of the devices that it reaches: `collie-rank info`. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { z } from 'zod';
import { toErrorInfo } from '../../shared/errors.ts';
import type { EngineBuild } from '../native/addon.ts';
import { requireRank } from './rank.ts';

export const engineInfoSchema = z.object({
  version: z.string(),
  torch: z.string(),
  /** Devices that CUDA gives this build; 0 in one for the CPU. */
  cuda_devices: z.number().int().default(0),
  /** As CMake was told: "90-real" has machine code of compute capability 9.0, "120" also code for what comes after. */
  cuda_architectures: z.array(z.string()).default([]),
  mpi: z.boolean().nullable().default(null),
  nccl: z.boolean().nullable().default(null),
});
export type EngineInfo = z.infer<typeof engineInfoSchema>;

/** The first start of a CUDA build reads a gigabyte of libraries. */
const TIMEOUT_MS = 60_000;

/** What the program says, or why it says nothing. Throws engine.not_built. */
export async function engineInfo(build: EngineBuild): Promise<EngineInfo> {
  const program = requireRank(build);
  try {
    const { stdout } = await promisify(execFile)(program, ['info'], { timeout: TIMEOUT_MS });
    return engineInfoSchema.parse(JSON.parse(stdout));
  } catch (thrown) {
    const { stderr, message } = thrown as { stderr?: string; message: string };
    const said = stderr?.trim().split('\n').at(-1) || message;
    throw Object.assign(new Error(`${program} does not start: ${said}`), { cause: thrown });
  }
}

/** Whether runs can use the GPUs of this machine, and if not, why not. */
export async function cudaReadiness(): Promise<
  { ready: true } | { ready: false; reason: string; next: string }
> {
  try {
    const { cuda_devices } = await engineInfo('cuda');
    if (cuda_devices > 0) return { ready: true };
    return {
      ready: false,
      reason: 'the engine for CUDA finds no usable device',
      next: 'Check the driver with nvidia-smi; CUDA 13 needs 580 or newer.',
    };
  } catch (thrown) {
    const { message, hint } = toErrorInfo(thrown);
    return {
      ready: false,
      reason: message,
      next: hint || 'Build it again: `node native/setup.mjs --only cuda`.',
    };
  }
}
