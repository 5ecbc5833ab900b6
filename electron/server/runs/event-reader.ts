/** The events in a piece of an events file. Half of a long one is what a rank tells of itself: told by its last bytes, it is not even decoded. */
import { readEvent } from '../../shared/runs/event-line.ts';
import type { RunEvent } from '../../shared/runs/events.ts';
import { OWN_ENDS } from '../../shared/runs/series.ts';

const NEWLINE = 10;
const ownEnds = OWN_ENDS.map((end) => Buffer.from(end));

/** Events of whole lines; torn ones, and what a rank tells of itself, are left out. */
export function* eventsIn(bytes: Buffer): Generator<RunEvent> {
  for (let from = 0; from < bytes.length; ) {
    const newline = bytes.indexOf(NEWLINE, from);
    const to = newline < 0 ? bytes.length : newline;
    if (!ownEnds.some((end) => endsWith(bytes, to, end))) {
      const event = readEvent(bytes.toString('utf8', from, to));
      if (event) yield event;
    }
    from = to + 1;
  }
}

function endsWith(bytes: Buffer, to: number, end: Buffer): boolean {
  const from = to - end.length;
  for (let i = 0; i < end.length; i++) if (bytes[from + i] !== end[i]) return false;
  return true;
}
