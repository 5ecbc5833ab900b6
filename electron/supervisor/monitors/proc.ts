/** What Linux tells of a process and of the machine's network and processors; null where it tells nothing, as on other systems. */
import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second for every process to read (USER_HZ). */
export const TICKS_PER_SECOND = 100;

/** The text of a file; null where it cannot be read. */
export type ReadText = (path: string) => string | null;

export const readText: ReadText = (path) => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
};

/** utime and stime, all threads together. */
export function processorTicks(pid: number, read = readText): number | null {
  const stat = read(`/proc/${pid}/stat`);
  if (stat === null) return null;
  // "pid (name) state ...": the name may hold spaces and brackets.
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return finite(Number(fields[11]) + Number(fields[12]));
}

export function residentBytes(pid: number, read = readText): number | null {
  const kibibytes = numberIn(read(`/proc/${pid}/status`), /^VmRSS:\s+(\d+) kB$/m);
  return kibibytes === null ? null : kibibytes * 1024;
}

export interface Traffic {
  inBytes: number;
  outBytes: number;
}

/** What disks were read and written for it so far. */
export function diskTraffic(pid: number, read = readText): Traffic | null {
  const io = read(`/proc/${pid}/io`);
  const [inBytes, outBytes] = [numberIn(io, /^read_bytes: (\d+)$/m), numberIn(io, /^write_bytes: (\d+)$/m)];
  return inBytes === null || outBytes === null ? null : { inBytes, outBytes };
}

/** Of all interfaces that the process sees but the loopback: those of its network namespace, so of the whole machine or container. */
export function networkTraffic(pid: number, read = readText): Traffic | null {
  const table = read(`/proc/${pid}/net/dev`);
  if (table === null) return null;
  const total: Traffic = { inBytes: 0, outBytes: 0 };
  for (const line of table.split('\n')) {
    const [, name, counts] = /^\s*([^\s:]+):\s*(.*)$/.exec(line) ?? [];
    if (name === undefined || name === 'lo') continue;
    const columns = (counts ?? '').trim().split(/\s+/).map(Number);
    total.inBytes += finite(columns[0]) ?? 0;
    total.outBytes += finite(columns[8]) ?? 0;
  }
  return total;
}

/** A counter of joules that begins again at 0 once it has reached `range`. */
export interface EnergyCounter {
  key: string;
  joules: number;
  range: number | null;
}

const POWERCAP = '/sys/class/powercap';

/** Of the packages of this machine's processors (RAPL); empty where there are none, or only root may read them. */
export function processorEnergy(read = readText, list = listFolder): EnergyCounter[] {
  return list(POWERCAP)
    .filter((zone) => /^[a-z-]+:\d+$/.test(zone)) // `intel-rapl:0:1` is a part of `intel-rapl:0`.
    .flatMap((zone) => {
      const at = `${POWERCAP}/${zone}`;
      if (!read(`${at}/name`)?.startsWith('package')) return [];
      const micro = numberIn(read(`${at}/energy_uj`), /^(\d+)\s*$/);
      const range = numberIn(read(`${at}/max_energy_range_uj`), /^(\d+)\s*$/);
      return micro === null
        ? []
        : [{ key: zone, joules: micro / 1e6, range: range === null ? null : range / 1e6 }];
    });
}

/** Names in a folder; empty where it cannot be read. */
function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

const finite = (value: number | undefined) => (Number.isFinite(value) ? (value as number) : null);

function numberIn(text: string | null, pattern: RegExp): number | null {
  const found = text === null ? null : pattern.exec(text);
  return found ? finite(Number(found[1])) : null;
}
