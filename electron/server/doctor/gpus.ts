/** The NVIDIA cards of this machine as the driver's own tool lists them. */
import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';

export interface Gpu {
  index: number;
  name: string;
  driver: string;
  /** Compute capability, e.g. "9.0". */
  capability: string;
  memoryTotalBytes: number;
  memoryFreeBytes: number;
}

export interface Gpus {
  cards: Gpu[];
  /** Why there are none although a card is built in; null when there are cards, or no NVIDIA hardware. */
  problem: string | null;
}

const FIELDS = 'index,name,driver_version,compute_cap,memory.total,memory.free';

export async function listGpus(): Promise<Gpus> {
  try {
    const { stdout } = await promisify(execFile)(
      'nvidia-smi',
      [`--query-gpu=${FIELDS}`, '--format=csv,noheader,nounits'],
      { timeout: 20_000 },
    );
    return { cards: parseGpus(stdout), problem: null };
  } catch (thrown) {
    const { code, stdout, stderr } = thrown as { code?: string; stdout?: string; stderr?: string };
    if (code === 'ENOENT')
      return { cards: [], problem: hasNvidiaHardware() ? 'no driver: there is no nvidia-smi' : null };
    const said = `${stdout ?? ''}${stderr ?? ''}`.trim().split('\n')[0];
    return { cards: [], problem: `nvidia-smi failed: ${said || String(thrown)}` };
  }
}

/** Lines of nvidia-smi; memory in MiB. What a card does not tell is 0. */
export function parseGpus(text: string): Gpu[] {
  const mebibytes = (word = '') => (Number(word) || 0) * 1024 * 1024;
  return text
    .trim()
    .split('\n')
    .filter((line) => line.includes(','))
    .map((line) => {
      const [index, name = '', driver = '', capability = '', total, free] = line
        .split(',')
        .map((word) => word.trim());
      return {
        index: Number(index),
        name,
        driver,
        capability,
        memoryTotalBytes: mebibytes(total),
        memoryFreeBytes: mebibytes(free),
      };
    });
}

/** A display or 3D controller of NVIDIA on the PCI bus (Linux); elsewhere unknown, which counts as none. */
function hasNvidiaHardware(): boolean {
  const bus = '/sys/bus/pci/devices';
  const read = (device: string, file: string) => readFileSync(join(bus, device, file), 'utf8').trim();
  try {
    return readdirSync(bus).some(
      (device) => read(device, 'vendor') === '0x10de' && read(device, 'class').startsWith('0x03'),
    );
  } catch {
    return false;
  }
}
