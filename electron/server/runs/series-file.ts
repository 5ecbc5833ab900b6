/** The series of a run from its events file, read whole. */
import { join } from 'node:path';
import { eventsFile } from '../../shared/runs/run-folder.ts';
import { emptySeries, type RunSeries, reduceLines } from '../../shared/runs/series.ts';
import { LineReader } from './event-file.ts';

/** All that has been measured up to now; an empty series before the first event. Gives other work a turn between pieces of the file. */
export async function readSeries(runDir: string): Promise<RunSeries> {
  const reader = new LineReader(join(runDir, eventsFile(0)));
  let series = emptySeries;
  for (let lines = await reader.next(); lines.length > 0; lines = await reader.next())
    series = reduceLines(series, lines);
  return series;
}
