/** Writes the metrics of a run for other tools: one CSV, or a folder for TensorBoard. */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import type { MetricsFormat } from '../../shared/runs/metrics-export.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import type { RunSeries } from '../../shared/runs/series.ts';
import { replaceText } from '../files/write.ts';
import { metricSources } from './metric-rows.ts';
import { metricsCsv } from './metrics-csv.ts';
import { tensorboardRecords } from './tensorboard.ts';

export interface MetricsExport {
  id: string;
  runDir: string;
  series: RunSeries;
  format: MetricsFormat;
  /** A file for CSV, a folder for TensorBoard. Empty: in the run's `export`, where an earlier one is replaced. */
  out: string;
}

/** Returns what was written. Throws request.invalid for a run without metrics, path.exists for a file that is there. */
export async function exportMetrics({ id, runDir, series, format, out }: MetricsExport): Promise<string> {
  const sources = metricSources(series);
  if (sources.length === 0)
    throw new CollieError('request.invalid', `The run ${id} has no metrics yet.`, 'Wait for its first step.');
  const own = join(runDir, runFiles.exportDir);
  if (format === 'csv') {
    if (out !== '' && existsSync(out))
      throw new CollieError('path.exists', `${out} is there already.`, 'Choose another name.', { path: out });
    return write(out || join(own, 'metrics.csv'), metricsCsv(sources));
  }
  const startedAt = (series.attempts[0]?.timeUs ?? 0) / 1e6;
  // The same name every time: what was written before of this run is replaced, not shown twice.
  const name = `events.out.tfevents.${Math.floor(startedAt)}.${id}`;
  return write(join(out || join(own, 'tensorboard'), name), tensorboardRecords(sources, startedAt));
}

async function write(path: string, pieces: Iterable<string | Buffer>): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  await replaceText(path, inChunks(pieces));
  return path;
}

const CHUNK_BYTES = 256 * 1024;

/** Records are small, and each chunk is a call of the system. */
function* inChunks(pieces: Iterable<string | Buffer>): Generator<Buffer> {
  let chunk: Buffer[] = [];
  let bytes = 0;
  for (const piece of pieces) {
    const more = Buffer.from(piece);
    chunk.push(more);
    bytes += more.length;
    if (bytes < CHUNK_BYTES) continue;
    yield Buffer.concat(chunk);
    [chunk, bytes] = [[], 0];
  }
  yield Buffer.concat(chunk);
}
