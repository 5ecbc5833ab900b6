/** Metrics of a run as files: CSV, and TensorBoard's records by their bytes. tests/reference/tensorboard.test.ts reads them with TensorBoard. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { crc32c, maskedCrc32c } from '../../../electron/server/exports/crc32c.ts';
import { exportMetrics } from '../../../electron/server/exports/metrics.ts';
import { emptySeries, reduceEvents } from '../../../electron/shared/runs/series.ts';
import { EventScript } from '../../support/event-script.ts';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'collie-metrics-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

function series() {
  const script = new EventScript();
  script.started();
  for (let step = 1; step <= 3; step += 1)
    script.step(step, 1 / step, { 'odd,"name"': step === 2 ? null : 7 });
  script.eval(3, 1.25);
  script.eval(3, 1.5, 'sums');
  script.monitored(3, { cpu_share: 0.5, 'cpu_share/rank-1': 0.25 });
  return reduceEvents(emptySeries, script.events);
}
const write = (format: 'csv' | 'tensorboard', out = '', of = series()) =>
  exportMetrics({ id: 'run-1', runDir: dir, series: of, format, out });

/** Fields of CSV lines without line breaks in them. */
const cells = (line: string) =>
  [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
    .map(([, cell = '']) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell))
    .slice(0, -1);

test('CSV: a row for each point, a column for each metric, empty where a point has none', async () => {
  const path = await write('csv');
  expect(path).toBe(join(dir, 'export/metrics.csv'));
  const [head = '', ...lines] = readFileSync(path, 'utf8').trimEnd().split('\n');
  const names = cells(head);
  expect(names.slice(0, 6)).toEqual([
    'source',
    'step',
    'total_tokens',
    'total_examples',
    'total_epochs',
    'total_seconds',
  ]);
  expect(new Set(names).size).toBe(names.length);
  const rows = lines.map((line) => Object.fromEntries(cells(line).map((value, k) => [names[k], value])));
  expect(rows.map(({ source, step }) => `${source} ${step}`)).toEqual([
    'train 1',
    'train 2',
    'train 3',
    'eval 3',
    'eval/sums 3',
    'machine 3',
  ]);
  expect(rows[1]).toMatchObject({
    loss: '0.5',
    total_tokens: '2000',
    tokens: '1000',
    'odd,"name"': '',
    cpu_share: '',
  });
  expect(rows[2]?.['odd,"name"']).toBe('7');
  expect(Number(rows[2]?.loss)).toBe(1 / 3);
  expect(rows[5]).toMatchObject({ loss: '', cpu_share: '0.5', 'cpu_share/rank-1': '0.25' });
});

test('what is there is replaced in the run, and refused elsewhere; nothing half is left', async () => {
  await write('csv');
  await write('csv');
  const out = join(dir, 'mine.csv');
  writeFileSync(out, 'kept');
  await expect(write('csv', out)).rejects.toMatchObject({ code: 'path.exists' });
  expect(readFileSync(out, 'utf8')).toBe('kept');
  await write('tensorboard', join(dir, 'logs'));
  await write('tensorboard', join(dir, 'logs'));
  expect(readdirSync(join(dir, 'logs'))).toEqual(['events.out.tfevents.1760000000.run-1']);
  expect(readdirSync(join(dir, 'export'))).toEqual(['metrics.csv']);
  await expect(write('csv', '', emptySeries)).rejects.toMatchObject({ code: 'request.invalid' });
});

test('CRC-32C as in RFC 3720, and masked as TensorFlow masks it', () => {
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
  // The length of the first record of every event file, 24 bytes.
  expect(maskedCrc32c(Buffer.from('1800000000000000', 'hex'))).toBe(0x224b7fa3);
});

test('TensorBoard: records with their lengths and checksums, the version first', async () => {
  const bytes = readFileSync(await write('tensorboard'));
  const records: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
    const record = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(record));
    records.push(record);
    at += 16 + length;
  }
  expect(records).toHaveLength(1 + 3 + 1 + 1 + 1);
  expect(records[0]?.subarray(-13).toString()).toBe('brain.Event:2');
  expect(records[1]?.includes('train/loss')).toBe(true);
  expect(records.at(-1)?.includes('machine/cpu_share/rank-1')).toBe(true);
});
