/** Writes the metrics of a run for other tools: one CSV, or a folder for TensorBoard. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { CollieError } from '../../shared/errors.ts';
import type { MetricsFormat } from '../../shared/runs/metrics-export.ts';
import { runFiles } from '../../shared/runs/run-folder.ts';
import type { RunSeries } from '../../shared/runs/series.ts';
import { ofFile } from '../files/write.ts';
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

const CHUNK_BYTES = 256 * 1024;

/** Whole or not at all. */
async function write(path: string, pieces: Iterable<string | Buffer>): Promise<string> {
  await mkdir(dirname(path), { recursive: true });
  const temporary = `${path}.${randomBytes(4).toString('hex')}.tmp`;
  try {
    const file = await open(temporary, 'wx');
    try {
      let chunk: Buffer[] = [];
      let bytes = 0;
      for (const piece of pieces) {
        chunk.push(Buffer.from(piece));
        bytes += piece.length;
        if (bytes < CHUNK_BYTES) continue;
        await file.writeFile(Buffer.concat(chunk));
        [chunk, bytes] = [[], 0];
      }
      await file.writeFile(Buffer.concat(chunk));
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    return path;
  } catch (thrown) {
    await rm(temporary, { force: true });
    throw ofFile(thrown, path);
  }
}
