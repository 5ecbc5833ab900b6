/** The GPUs that a run computes on, as their driver sees them. */
import type { GpuReading } from '../../server/native/addon.ts';

/** What the driver says of all GPUs; empty where there is none. */
export type ReadGpus = () => readonly GpuReading[];

/** Those of one attempt after another. */
export class RunGpus {
  readonly #read: ReadGpus;
  readonly #visible: string | undefined;
  #used: ReadonlySet<number> = new Set();

  /** `visible`: what CUDA_VISIBLE_DEVICES says. */
  constructor(read: ReadGpus, visible = process.env.CUDA_VISIBLE_DEVICES) {
    this.#read = read;
    this.#visible = visible;
  }

  /** Those that these processes compute on; of no process, those of the last time. */
  of(pids: readonly number[]): readonly GpuReading[] {
    const all = this.#read();
    if (pids.length > 0) this.#used = new Set(this.#usedBy(all, pids).map(({ index }) => index));
    return all.filter(({ index }) => this.#used.has(index));
  }

  /** In a container the driver knows processes by other ids than we do: then those that are visible, one for each process. */
  #usedBy(all: readonly GpuReading[], pids: readonly number[]): readonly GpuReading[] {
    const found = all.filter((gpu) => gpu.pids.some((pid) => pids.includes(pid)));
    return found.length > 0 ? found : named(all, this.#visible).slice(0, pids.length);
  }
}

function named(all: readonly GpuReading[], visible: string | undefined): readonly GpuReading[] {
  if (visible === undefined) return all;
  const words = visible.split(',').map((word) => word.trim());
  return words.flatMap((word) => {
    const gpu = /^\d+$/.test(word)
      ? all.find(({ index }) => index === Number(word))
      : all.find(({ uuid }) => word !== '' && uuid.startsWith(word));
    return gpu ?? [];
  });
}

const known = (values: readonly (number | null)[]) => values.filter((value) => value !== null);
const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0);

/** Of several together: null where none of them tells. */
const together: Record<
  string,
  { of: (gpu: GpuReading) => number | null; all: (values: number[]) => number }
> = {
  gpu_util: { of: ({ util }) => util, all: (values) => sum(values) / values.length },
  gpu_memory_bytes: { of: ({ memoryUsedBytes }) => memoryUsedBytes, all: sum },
  gpu_temperature: { of: ({ temperatureC }) => temperatureC, all: (values) => Math.max(...values) },
  gpu_power_watts: { of: ({ powerW }) => powerW, all: sum },
};

/** By metric: of all GPUs, and of each where there are several. */
export function gpuMetrics(gpus: readonly GpuReading[], nameOf: (metric: string, index: number) => string) {
  const metrics: Record<string, number> = {};
  for (const [metric, { of, all }] of Object.entries(together)) {
    const values = known(gpus.map(of));
    if (values.length === 0) continue;
    metrics[metric] = all(values);
    if (gpus.length < 2) continue;
    for (const gpu of gpus) {
      const value = of(gpu);
      if (value !== null) metrics[nameOf(metric, gpu.index)] = value;
    }
  }
  return metrics;
}
