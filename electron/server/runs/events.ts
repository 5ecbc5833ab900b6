/** `runs.events`: what is in the events file, then what is appended, in batches that a reader pulls. */
import { closeSync, existsSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { parseLine } from '../../shared/runs/event-line.ts';
import type { EventsPlace } from '../../shared/runs/event-streams.ts';
import { eventsFile, runFiles } from '../../shared/runs/run-folder.ts';
import { isOwn, isOwnLine } from '../../shared/runs/series.ts';
import { type FollowedFile, followLines } from './event-file.ts';

export const MAX_BATCH = 500;
/** Batches of raw events behind a place, until the signal aborts. Broken lines are left out. */
export async function* followEvents(
  runDir: string,
  place: EventsPlace,
  signal: AbortSignal,
): AsyncGenerator<{ events: unknown[] }> {
  const files: FollowedFile[] = [
    { path: join(runDir, eventsFile(0)), after: place.afterSeq },
    { path: join(runDir, runFiles.callbackEvents), after: place.afterCallbackSeq },
    { path: join(runDir, runFiles.monitorEvents), after: place.afterMonitorSeq },
  ].map(({ path, after }) => ({ path, from: offsetBefore(path, after) }));
  const last = [place.afterSeq, place.afterCallbackSeq, place.afterMonitorSeq];
  for await (const { file, lines } of followLines(files, signal)) {
    let events: unknown[] = [];
    for (const line of lines) {
      if (isOwnLine(line)) continue;
      const event = parseLine(line);
      if (event === null || event.seq <= (last[file] as number) || isOwn(event)) continue;
      last[file] = event.seq;
      events.push(event);
      if (events.length < MAX_BATCH) continue;
      yield { events };
      events = [];
    }
    if (events.length > 0) yield { events };
  }
}

const PROBE_BYTES = 64 * 1024;

/** A byte offset at a line's start with every event after `afterSeq` behind it, found by bisection: seq only grows. */
function offsetBefore(path: string, afterSeq: number): number {
  if (afterSeq < 0 || !existsSync(path)) return 0;
  let low = 0;
  let high = statSync(path).size;
  const file = openSync(path, 'r');
  try {
    const buffer = Buffer.alloc(PROBE_BYTES);
    while (high - low > PROBE_BYTES) {
      const middle = Math.floor((low + high) / 2);
      const text = buffer.subarray(0, readSync(file, buffer, 0, PROBE_BYTES, middle)).toString('latin1');
      const lineStart = text.indexOf('\n') + 1;
      const seq = Number(/"seq":(\d+)/.exec(text.slice(lineStart))?.[1] ?? Number.NaN);
      // A probe without a whole event (one huge line) ends the search: reading a bit more is only slower.
      if (lineStart === 0 || Number.isNaN(seq)) return low;
      if (seq <= afterSeq) low = middle + lineStart;
      else high = middle;
    }
    return low;
  } finally {
    closeSync(file);
  }
}
