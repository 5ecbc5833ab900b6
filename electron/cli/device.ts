/** Which device a command trains on when nobody has said: a GPU that can be used, else the CPU, with the reason. */
import { cudaReadiness } from '../server/rank/engine-info.ts';
import type { Device } from '../shared/api/entities.ts';

export interface ChosenDevice {
  device: Device['kind'];
  /** For people: what it is, and why not a GPU that is there. */
  why: string;
}

/** @param readiness whether the engine for CUDA works; asked only where there is a GPU. */
export async function chooseDevice(
  devices: readonly Device[],
  readiness: typeof cudaReadiness = cudaReadiness,
): Promise<ChosenDevice> {
  const gpu = devices.find(({ kind }) => kind === 'cuda');
  if (!gpu) return { device: 'cpu', why: 'on the CPU: there is no NVIDIA GPU here' };
  const cuda = await readiness();
  if (cuda.ready) return { device: 'cuda', why: `on ${gpu.name}` };
  return { device: 'cpu', why: `on the CPU, not on ${gpu.name}: ${cuda.reason}. ${cuda.next}` };
}
