/** What matrix products reach on this machine: measured once by `collie bench gemm`, and kept in the library, which several machines may share. */
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { z } from 'zod';
import { native } from '../native/addon.ts';
import { diedError, rankEnvironment, requireRank } from '../rank/rank.ts';
import { writeJsonAtomic } from '../runs/folder.ts';

export type GemmDevice = 'cpu' | 'cuda';
export type GemmPrecision = 'bf16' | 'fp32';

const rateSchema = z.object({
  /** The name of the processor or GPU. */
  device: z.string(),
  precision: z.enum(['bf16', 'fp32']),
  /** Of a processor; null: a GPU. */
  threads: z.number().int().nullable(),
  /** A multiply-add counts as two. */
  flopsPerSecond: z.number().positive(),
  at: z.string(),
});
export type GemmRate = z.infer<typeof rateSchema>;
const fileSchema = z.object({ v: z.literal(1), rates: z.array(rateSchema) });

const fileOf = (home: string) => join(home, 'cache', 'gemm.json');
const TIMEOUT_MS = 120_000;

/** As it is called here; null: there is no such device. */
export function deviceName(device: GemmDevice): string | null {
  if (device === 'cpu') return cpus()[0]?.model.trim() || 'an unknown processor';
  return native((addon) => addon.devices()).find(({ kind }) => kind === 'cuda')?.name ?? null;
}

/** All that are kept, of other machines too; none where the file is missing or cannot be read. */
export function gemmRates(home: string): GemmRate[] {
  try {
    return fileSchema.parse(JSON.parse(readFileSync(fileOf(home), 'utf8'))).rates;
  } catch {
    return [];
  }
}

/** Of a device by its name: all threads of a processor that it was measured with. null: not measured. */
export function gemmRate(home: string, device: string, precision: GemmPrecision): GemmRate | null {
  return gemmRates(home).find((one) => one.device === device && one.precision === precision) ?? null;
}

const saidSchema = z.object({ threads: z.number().int(), flops_per_second: z.number().positive() });

/** Takes two seconds, in which the machine should have nothing else to do. Throws engine.not_built, device.unavailable. */
export async function measureGemm(
  home: string,
  device: GemmDevice,
  precision: GemmPrecision,
): Promise<GemmRate> {
  const { threads, flops_per_second } = await gemmNow(device, precision);
  const rate: GemmRate = {
    device: deviceName(device) ?? device,
    precision,
    threads: device === 'cpu' ? threads : null,
    flopsPerSecond: flops_per_second,
    at: new Date().toISOString(),
  };
  const others = gemmRates(home).filter((one) => one.device !== rate.device || one.precision !== precision);
  mkdirSync(dirname(fileOf(home)), { recursive: true });
  writeJsonAtomic(fileOf(home), { v: 1, rates: [...others, rate] });
  return rate;
}

/** As measureGemm, and kept nowhere. `threads`: 0, all of the processor. */
export async function gemmNow(
  device: GemmDevice,
  precision: GemmPrecision,
  threads = 0,
): Promise<z.infer<typeof saidSchema>> {
  const args = ['gemm', '--device', device, '--precision', precision, '--threads', `${threads}`];
  return saidSchema.parse(await ask(requireRank(device), args));
}

async function ask(program: string, args: string[]): Promise<unknown> {
  try {
    const { stdout } = await promisify(execFile)(program, args, {
      timeout: TIMEOUT_MS,
      env: { ...process.env, ...rankEnvironment() },
    });
    return JSON.parse(stdout);
  } catch (thrown) {
    const { code, signal, stderr } = thrown as { code?: number; signal?: NodeJS.Signals; stderr?: string };
    if (stderr === undefined) throw thrown;
    throw diedError(code ?? null, signal ?? null, stderr);
  }
}
