/** `runs.timeline`: what every rank of a step computed when. Events are read from their ends back, as it is new ones that are asked for. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { readEvent } from '../../shared/runs/event-line.ts';
import type { EventPayload, RunTimeline } from '../../shared/runs/events.ts';
import { eventsFile } from '../../shared/runs/run-folder.ts';
import { readRange } from './folder.ts';

const CHUNK_BYTES = 256 * 1024;

/** Whole lines of a file, the last first; none without a file. */
export function* linesBackwards(path: string, chunk = CHUNK_BYTES): Generator<string> {
  let to = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  let rest = Buffer.alloc(0);
  let torn = true; // Behind the last line end stands a line that is not whole yet, or nothing.
  while (to > 0) {
    const from = Math.max(0, to - chunk);
    rest = Buffer.concat([readRange(path, from, to), rest]);
    to = from;
    for (let at = rest.lastIndexOf(10); at >= 0; at = rest.lastIndexOf(10)) {
      const line = rest.subarray(at + 1).toString('utf8');
      rest = rest.subarray(0, at);
      if (!torn && line !== '') yield line;
      torn = false;
    }
  }
  if (!torn && rest.length > 0) yield rest.toString('utf8');
}

interface Found {
  step: number;
  timeline: EventPayload<'timeline'>;
}

/** The newest timeline of a rank; of one step, when one is named: the last time that it was trained. */
function timelineOf(path: string, step: number | null): Found | null {
  for (const line of linesBackwards(path)) {
    if (!line.includes('"timeline"')) continue;
    const event = readEvent(line);
    if (event?.type !== 'timeline') continue;
    if (step === null || event.step === step) return { step: event.step, timeline: event.payload };
    if (event.step < step) return null;
  }
  return null;
}

/** Of a step; null: the newest that all ranks have. Null when no rank has it. */
export function readTimeline(runDir: string, world: number, wanted: number | null): RunTimeline | null {
  const paths = Array.from({ length: world }, (_, rank) => join(runDir, eventsFile(rank)));
  const newest = paths.map((path) => timelineOf(path, null)?.step);
  const last = Math.min(...newest.filter((step) => step !== undefined));
  const step = wanted ?? last;
  if (!Number.isFinite(step) || step > last) return null;
  const ranks = paths.flatMap((path, rank) => {
    const found = timelineOf(path, step)?.timeline;
    return found ? [{ rank, stepUs: found.step_us, spans: found.spans }] : [];
  });
  return ranks.length === 0 ? null : { step, newest: last, ranks };
}
