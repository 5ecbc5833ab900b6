/** What is read of /proc and of the counters of processors, from texts as Linux writes them. */
import { expect, test } from 'vitest';
import {
  diskTraffic,
  networkTraffic,
  processorEnergy,
  processorTicks,
  residentBytes,
} from '../../../electron/supervisor/monitors/proc.ts';

const files =
  (texts: Record<string, string>) =>
  (path: string): string | null =>
    texts[path] ?? null;

test('processor time of a process whose name holds spaces and brackets', () => {
  const stat = '7 (a b) c) R 1 7 7 0 -1 4194304 100 0 0 0 350 25 0 0 20 0 3 0 123 456\n';
  expect(processorTicks(7, files({ '/proc/7/stat': stat }))).toBe(375);
  expect(processorTicks(7, files({}))).toBeNull();
  expect(processorTicks(7, files({ '/proc/7/stat': 'torn' }))).toBeNull();
});

test('resident memory, and what disks did', () => {
  const read = files({
    '/proc/7/status': 'Name:\tcollie-rank\nVmPeak:\t  99 kB\nVmRSS:\t   1500 kB\n',
    '/proc/7/io': 'rchar: 9\nwchar: 9\nsyscr: 1\nsyscw: 1\nread_bytes: 4096\nwrite_bytes: 8192\n',
  });
  expect(residentBytes(7, read)).toBe(1_536_000);
  expect(diskTraffic(7, read)).toEqual({ inBytes: 4096, outBytes: 8192 });
  expect(residentBytes(8, read)).toBeNull();
  expect(diskTraffic(8, read)).toBeNull();
});

test('the network is all interfaces but the loopback', () => {
  const table = [
    'Inter-|   Receive                                                |  Transmit',
    ' face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs',
    '    lo: 999999 1 0 0 0 0 0 0 999999 1 0 0 0 0 0 0',
    '  eth0:1000 2 0 0 0 0 0 0 300 2 0 0 0 0 0 0',
    ' wlan0: 50 2 0 0 0 0 0 0 7 2 0 0 0 0 0 0',
    '',
  ].join('\n');
  expect(networkTraffic(7, files({ '/proc/7/net/dev': table }))).toEqual({ inBytes: 1050, outBytes: 307 });
  expect(networkTraffic(7, files({}))).toBeNull();
});

test('energy of packages: parts, other domains and what only root may read are left out', () => {
  const at = (zone: string, file: string) => `/sys/class/powercap/${zone}/${file}`;
  const read = files({
    [at('intel-rapl:0', 'name')]: 'package-0\n',
    [at('intel-rapl:0', 'energy_uj')]: '2500000\n',
    [at('intel-rapl:0', 'max_energy_range_uj')]: '262143000000\n',
    [at('intel-rapl:0:0', 'name')]: 'core\n',
    [at('intel-rapl:0:0', 'energy_uj')]: '1000000\n',
    [at('intel-rapl:1', 'name')]: 'psys\n',
    [at('intel-rapl:1', 'energy_uj')]: '9000000\n',
    [at('intel-rapl:2', 'name')]: 'package-1\n',
  });
  const zones = ['intel-rapl', 'intel-rapl:0', 'intel-rapl:0:0', 'intel-rapl:1', 'intel-rapl:2'];
  expect(processorEnergy(read, () => zones)).toEqual([{ key: 'intel-rapl:0', joules: 2.5, range: 262143 }]);
  expect(processorEnergy(read, () => [])).toEqual([]);
});
