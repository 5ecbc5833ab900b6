/**
 * CPU time of reading 100,000 events: `npx tsx tests/bench/read-events.ts [steps]`, as many steps as make them. Process time, not wall time, so that it
 * says the same on a busy machine; the best of five, as the others pay for a cold cache and a cold compiler.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { readSeries } from '../../electron/server/runs/series-file.ts';
import { writeEvents } from './fabricate.ts';

const steps = Number(process.argv[2] ?? 50_000);
const folder = mkdtempSync(join(tmpdir(), 'collie-read-'));
try {
  writeEvents(folder, steps);
  const { size } = statSync(join(folder, 'events/rank-000.jsonl'));
  const seconds: number[] = [];
  for (let round = 0; round < 5; round++) {
    const before = process.cpuUsage();
    const series = await readSeries(folder);
    const { user, system } = process.cpuUsage(before);
    if (series.steps.length !== steps) throw new Error(`read ${series.steps.length} of ${steps} steps`);
    seconds.push((user + system) / 1e6);
  }
  const said = seconds.map((value) => value.toFixed(3)).join(', ');
  const { lastSeq } = await readSeries(folder);
  console.log(`${steps} steps, ${lastSeq + 1} events, ${(size / 2 ** 20).toFixed(0)} MiB: ${said} s of CPU`);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
