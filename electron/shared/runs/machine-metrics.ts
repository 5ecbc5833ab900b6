/** Metrics of the machine while a run trains. The supervisor measures them (supervisor/monitors); none of them says how good a model is. */
import { type ChartInfo, type Metric, metric } from './metric.ts';

const row = (name: string, own: Parameters<typeof metric>[1]): Metric =>
  metric(name, { scale: 'zero', events: ['monitor'], ...own });

export const machineMetrics: readonly Metric[] = [
  row('cpu_share', {
    title: 'Processor',
    label: 'All ranks',
    unit: 'share',
    chart: 'cpu',
    parts: 'rank',
    help: 'Processor time of the training processes on this machine, as a share of all its processors.',
  }),
  row('rss_bytes', {
    title: 'Resident memory',
    label: 'All ranks',
    unit: 'bytes',
    chart: 'rss',
    parts: 'rank',
    help: 'Memory of this machine that the training processes hold. What they share with one another counts for each.',
  }),
  row('disk_read_bytes_per_second', {
    title: 'Disk, read',
    label: 'Read',
    unit: 'bytes/s',
    chart: 'disk',
    help: 'What the training processes have disks read for them. What is in the cache of the system is not read again.',
  }),
  row('disk_write_bytes_per_second', {
    title: 'Disk, written',
    label: 'Written',
    unit: 'bytes/s',
    chart: 'disk',
    help: 'What the training processes give to disks.',
  }),
  row('network_received_bytes_per_second', {
    title: 'Network, received',
    label: 'Received',
    unit: 'bytes/s',
    chart: 'network',
    help: 'What this machine receives, other programs included: the system does not count it by process. Ranks of one machine do not use the network.',
  }),
  row('network_sent_bytes_per_second', {
    title: 'Network, sent',
    label: 'Sent',
    unit: 'bytes/s',
    chart: 'network',
    help: 'What this machine sends, other programs included: the system does not count it by process. Ranks of one machine do not use the network.',
  }),
  row('gpu_util', {
    title: 'GPU use',
    label: 'Mean',
    unit: 'share',
    chart: 'gpu_util',
    parts: 'gpu',
    help: "Share of the time in which a kernel ran, mean over the run's GPUs, as the driver (NVML) says. A kernel that uses a part of the GPU counts whole.",
  }),
  row('gpu_memory_bytes', {
    title: 'GPU memory',
    label: 'All GPUs',
    unit: 'bytes',
    chart: 'gpu_memory',
    parts: 'gpu',
    help: "Memory in use on the run's GPUs, other programs included.",
  }),
  row('gpu_temperature', {
    title: 'GPU temperature',
    label: 'Hottest',
    unit: '°C',
    chart: 'gpu_temperature',
    parts: 'gpu',
    help: "The hottest of the run's GPUs.",
  }),
  row('gpu_power_watts', {
    title: 'GPU power',
    label: 'GPUs',
    unit: 'W',
    chart: 'power',
    parts: 'gpu',
    help: "What the run's GPUs draw, with their memory and boards.",
  }),
  row('cpu_power_watts', {
    title: 'Processor power',
    label: 'Processors',
    unit: 'W',
    chart: 'power',
    help: 'What the processors of this machine draw (RAPL), other programs included. Only where the system lets it be read.',
  }),
  row('energy_kwh', {
    title: 'Energy',
    unit: 'kWh',
    better: 'lower',
    chart: 'energy',
    help: "Energy of the run's GPUs and, where the system lets it be read (RAPL), of the processors, over all attempts, steps that were trained again included. Whole devices, whoever uses them; memory, disks, fans and power supplies are not counted.",
  }),
  row('mfu', {
    title: 'MFU',
    label: 'Of the data sheet',
    unit: 'share',
    better: 'higher',
    chart: 'utilization',
    help: "Model FLOPs utilization: what the model needs for the tokens of a second (recomputation left out), as a share of the GPUs' peak by their data sheets. Only for GPUs whose peak is known.",
  }),
  row('gemm_share', {
    title: 'Share of the GEMM peak',
    label: 'Of measured GEMMs',
    unit: 'share',
    better: 'higher',
    chart: 'utilization',
    help: 'What the model needs for the tokens of a second (recomputation left out), as a share of what matrix products reach on this machine. Only where that was measured (`collie bench gemm`).',
  }),
];

export const machineCharts: readonly ChartInfo[] = [
  { id: 'utilization', title: 'Utilization', machine: true },
  { id: 'cpu', title: 'Processor', machine: true },
  { id: 'rss', title: 'Resident memory', machine: true },
  { id: 'disk', title: 'Disk', machine: true },
  { id: 'network', title: 'Network', machine: true },
  { id: 'gpu_util', title: 'GPU use', machine: true },
  { id: 'gpu_memory', title: 'GPU memory', machine: true },
  { id: 'gpu_temperature', title: 'GPU temperature', machine: true },
  { id: 'power', title: 'Power', machine: true },
  { id: 'energy', title: 'Energy', machine: true },
];

export type Part = NonNullable<Metric['parts']>;

/** The metric of one of several ranks or GPUs. */
export const partName = (name: string, part: Part, index: number) => `${name}/${part}-${index}`;

const PART = /^([a-z_]+)\/(rank|gpu)-(\d+)$/;
const titles: Record<Part, string> = { rank: 'Rank', gpu: 'GPU' };

/** null: not one of a part. */
export function partOf(name: string): { whole: string; part: Part; label: string } | null {
  const [, whole, part, index] = PART.exec(name) ?? [];
  if (whole === undefined) return null;
  return { whole, part: part as Part, label: `${titles[part as Part]} ${index}` };
}
