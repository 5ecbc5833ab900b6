/** The machine under a run, looked at once in a while, and what two looks say of the time between. */
import { availableParallelism } from 'node:os';
import { type GpuReading, native } from '../../server/native/addon.ts';
import { toErrorInfo } from '../../shared/errors.ts';
import { partName } from '../../shared/runs/machine-metrics.ts';
import type { Log } from '../log.ts';
import { EnergyMeter, type EnergySource, JOULES_PER_KWH } from './energy.ts';
import { gpuMetrics, RunGpus } from './gpus.ts';
import {
  diskTraffic,
  type EnergyCounter,
  networkTraffic,
  processorEnergy,
  processorTicks,
  residentBytes,
  TICKS_PER_SECOND,
  type Traffic,
} from './proc.ts';

export interface ProcessReading {
  ticks: number | null;
  rssBytes: number | null;
  disk: Traffic | null;
}

/** Where figures come from. */
export interface Machine {
  /** On a clock that never goes back. */
  seconds(): number;
  readonly cores: number;
  process(pid: number): ProcessReading;
  network(pid: number): Traffic | null;
  processors(): EnergyCounter[];
  /** Those that the run computes on. */
  gpus(pids: readonly number[]): readonly GpuReading[];
}

/** Only a run on GPUs asks the driver. */
export function thisMachine(device: 'cpu' | 'cuda', log: Log): Machine {
  const gpus = device === 'cuda' ? new RunGpus(gpuReader(log)) : null;
  return {
    seconds: () => performance.now() / 1000,
    cores: availableParallelism(),
    process: (pid) => ({ ticks: processorTicks(pid), rssBytes: residentBytes(pid), disk: diskTraffic(pid) }),
    network: (pid) => networkTraffic(pid),
    processors: () => processorEnergy(),
    gpus: (pids) => gpus?.of(pids) ?? [],
  };
}

/** What keeps the driver from answering is said once. */
function gpuReader(log: Log): () => GpuReading[] {
  let failed = false;
  return () => {
    try {
      return native((addon) => addon.gpus());
    } catch (thrown) {
      if (!failed) log(`the GPUs could not be asked: ${toErrorInfo(thrown).message}`);
      failed = true;
      return [];
    }
  };
}

/** One look at everything. */
export interface Look {
  seconds: number;
  /** Of this machine. */
  ranks: ReadonlyMap<number, ProcessReading>;
  network: Traffic | null;
  processors: readonly EnergyCounter[];
  gpus: readonly GpuReading[];
}

/** `pids` by rank. */
export function lookAt(machine: Machine, pids: ReadonlyMap<number, number>): Look {
  const all = [...pids.values()];
  const [first] = all;
  return {
    seconds: machine.seconds(),
    ranks: new Map([...pids].map(([rank, pid]) => [rank, machine.process(pid)])),
    // All ranks of a machine see the same interfaces.
    network: first === undefined ? null : machine.network(first),
    processors: machine.processors(),
    gpus: machine.gpus(all),
  };
}

export const energySources = ({ processors, gpus }: Look): EnergySource[] => [
  ...processors.map((counter) => ({ ...counter, watts: null })),
  ...gpus.map(({ uuid, index, energyJ, powerW }) => ({
    key: uuid || `gpu ${index}`,
    joules: energyJ,
    range: null,
    watts: powerW,
  })),
];

type Values = Record<string, number>;

export const machineMetrics = (from: Look, to: Look, cores: number): Values => ({
  ...processMetrics(from, to, cores),
  ...networkMetrics(from, to),
  ...gpuMetrics(to.gpus, (name, index) => partName(name, 'gpu', index)),
  ...processorPower(from, to),
});

/** What a counter has gone up by in a second; null where one of the looks has none. */
function rate(from: number | null | undefined, to: number | null | undefined, seconds: number) {
  const known = typeof from === 'number' && typeof to === 'number';
  return known ? Math.max(0, to - from) / seconds : null;
}

/** Of all ranks together where all of them tell, and the first two of each where there are several. */
function processMetrics(from: Look, to: Look, cores: number): Values {
  const seconds = to.seconds - from.seconds;
  const ranks = [...to.ranks].map(([rank, now]) => ({ rank, now, before: from.ranks.get(rank) }));
  const share = (ticks: number | null) => (ticks === null ? null : ticks / TICKS_PER_SECOND / cores);
  const of = {
    cpu_share: ranks.map(({ now, before }) => share(rate(before?.ticks, now.ticks, seconds))),
    rss_bytes: ranks.map(({ now }) => now.rssBytes),
    disk_read_bytes_per_second: ranks.map(({ now, before }) =>
      rate(before?.disk?.inBytes, now.disk?.inBytes, seconds),
    ),
    disk_write_bytes_per_second: ranks.map(({ now, before }) =>
      rate(before?.disk?.outBytes, now.disk?.outBytes, seconds),
    ),
  };
  const metrics: Values = {};
  for (const [name, found] of Object.entries(of)) {
    const values = found.filter((value) => value !== null);
    if (values.length === 0 || values.length < ranks.length) continue;
    metrics[name] = values.reduce((sum, value) => sum + value, 0);
    if (ranks.length < 2 || name.startsWith('disk')) continue;
    for (const [k, { rank }] of ranks.entries()) metrics[partName(name, 'rank', rank)] = values[k] as number;
  }
  return metrics;
}

function networkMetrics(from: Look, to: Look): Values {
  const seconds = to.seconds - from.seconds;
  const received = rate(from.network?.inBytes, to.network?.inBytes, seconds);
  const sent = rate(from.network?.outBytes, to.network?.outBytes, seconds);
  return received === null || sent === null
    ? {}
    : { network_received_bytes_per_second: received, network_sent_bytes_per_second: sent };
}

/** By the arithmetic that counts the energy of the whole run. */
function processorPower(from: Look, to: Look): Values {
  const meter = new EnergyMeter(null);
  for (const look of [from, to]) meter.add(look.seconds, energySources({ ...look, gpus: [] }));
  return meter.kwh === null
    ? {}
    : { cpu_power_watts: (meter.kwh * JOULES_PER_KWH) / (to.seconds - from.seconds) };
}
