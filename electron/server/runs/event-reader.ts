/** The events in pieces of an events file. Half of a long one is what a rank tells of itself: told by its last bytes, it is not even decoded. */
import { readEvent } from '../../shared/runs/event-line.ts';
import type { RunEvent } from '../../shared/runs/events.ts';
import { OWN_ENDS } from '../../shared/runs/series.ts';
import type { StepRows } from '../../shared/runs/step-rows.ts';
import { StepLines } from './step-lines.ts';

const NEWLINE = 10;
const ownEnds = OWN_ENDS.map((end) => Buffer.from(end));

/** Reads the pieces of one file. */
export class EventReader {
  readonly #steps = new StepLines();

  /** Events of whole lines; torn ones, and what a rank tells of itself, are left out. Nearly all steps come as rows, good until the next event is asked for. */
  *events(bytes: Buffer): Generator<RunEvent | StepRows> {
    for (let from = 0; from < bytes.length; ) {
      yield* this.#steps.read(bytes, from);
      if (this.#steps.position > from) {
        from = this.#steps.position;
        continue;
      }
      const newline = bytes.indexOf(NEWLINE, from);
      const to = newline < 0 ? bytes.length : newline;
      if (!ownEnds.some((own) => endsWith(bytes, to, own))) {
        const line = bytes.toString('utf8', from, to);
        const event = readEvent(line);
        if (event?.type === 'step') this.#steps.learn(line);
        if (event) yield event;
      }
      from = to + 1;
    }
  }
}

/** Compared from behind: lines of one kind begin alike. */
function endsWith(bytes: Buffer, to: number, end: Buffer): boolean {
  const from = to - end.length;
  for (let i = end.length - 1; i >= 0; i--) if (bytes[from + i] !== end[i]) return false;
  return true;
}
