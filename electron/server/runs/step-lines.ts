/**
 * Lines of steps, read without JSON.parse, which was most of the time that a long run took: the lines of a run differ in their numbers only. One is parsed and teaches what stands between
 * its numbers; the addon reads those that follow. Whatever else there is, and everything where there is no addon, is left to the decoder of events.
 */
import { existsSync } from 'node:fs';
import { toEvent } from '../../shared/runs/event-line.ts';
import type { EventPayload } from '../../shared/runs/events.ts';
import { OWN_ENDS } from '../../shared/runs/series.ts';
import { FIRST_METRIC, SEQ, STEP, type StepRows, TIME_US, widthOf } from '../../shared/runs/step-rows.ts';
import { addonPath, type NativeStepLines, nativeAddon } from '../native/addon.ts';

/** Steps of one run have few forms: with or without what is measured now and then. */
const MOST_FORMS = 16;
/** What changes from line to line beside the metrics, by its place in a row. */
const COUNTERS: ReadonlyMap<string, number> = new Map([
  ['seq', SEQ],
  ['step', STEP],
  ['timeUs', TIME_US],
]);
/** Numbers that are read at once: more than a step has, and no more memory than a short run needs. */
const MOST_NUMBERS = 65_536;
const LEAST_NUMBERS = 256;
const BYTES_OF_NUMBER = 16;

/** null: there is no addon, or one of an older build. */
const newReader = (): NativeStepLines | null =>
  existsSync(addonPath()) ? (nativeAddon().stepLines?.(OWN_ENDS) ?? null) : null;

/** Of the pieces of one file. */
export class StepLines {
  /** Where the last `read` stopped. */
  position = 0;
  /** Made with the first line that teaches something. */
  #reader: NativeStepLines | null = null;
  #numbers = new Float64Array();
  /** Of each form. */
  readonly #names: (readonly string[])[] = [];
  #tried = 0;

  /** The steps from this offset, a line's start, to the first line that is of no known form: that one's is `position` afterwards. */
  *read(bytes: Uint8Array, from: number): Generator<StepRows> {
    this.position = from;
    if (!this.#reader) return;
    const values = this.#room(bytes.length);
    const filled = this.#reader.read(bytes, from, values);
    this.position = this.#reader.position;
    for (let at = 0; at < filled; ) {
      const form = values[at] as number;
      const rows: StepRows = { type: 'rows', names: this.#names[form] ?? [], values, from: at, to: at };
      const width = widthOf(rows);
      while (rows.to < filled && values[rows.to] === form) rows.to += width;
      at = rows.to;
      yield rows;
    }
  }

  /** For as many numbers as so many bytes usually hold; what does not fit is read next. */
  #room(bytes: number): Float64Array {
    const numbers = Math.min(MOST_NUMBERS, Math.max(LEAST_NUMBERS, Math.ceil(bytes / BYTES_OF_NUMBER)));
    if (this.#numbers.length < numbers) this.#numbers = new Float64Array(numbers);
    return this.#numbers;
  }

  /** Takes in the form of a line that JSON.parse has read. */
  learn(line: string): void {
    if (this.#tried++ >= MOST_FORMS) return;
    const form = formOf(line);
    if (!form) return;
    this.#reader ??= newReader();
    this.#reader?.learn(form.befores, form.places, form.end);
    this.#names.push(form.names);
  }
}

interface Form {
  names: readonly string[];
  befores: string[];
  places: Uint32Array;
  end: string;
}

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]]|-?\d[\d.eE+-]*|null/g;
/** Braces around a metric: of the event, its payload, and the metrics. */
const METRIC_DEPTH = 3;

/** null: not the line of a step, or one that could be taken for another. */
function formOf(line: string): Form | null {
  const metrics = metricsOf(line);
  if (!metrics) return null;
  const names = Object.keys(metrics);
  const befores: string[] = [];
  const places: number[] = [];
  const found: string[] = [];
  let [depth, key, from] = [0, '', 0];
  for (const { 0: token, index } of line.matchAll(TOKEN)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (token.startsWith('"')) key = token.slice(1, -1);
    else {
      const counter = depth === 1 ? COUNTERS.get(key) : undefined;
      if (counter === undefined && depth !== METRIC_DEPTH) continue; // the same in all lines of this form
      places.push(counter ?? FIRST_METRIC + found.push(key) - 1);
      befores.push(line.slice(from, index));
      from = index + token.length;
    }
  }
  // A name twice, or numbers elsewhere at that depth, would have made another list.
  const counters = places.filter((place) => place < FIRST_METRIC).sort();
  if (!isSame(found, names) || !isSame(counters, [...COUNTERS.values()])) return null;
  return { names, befores, places: Uint32Array.from(places), end: line.slice(from) };
}

const isSame = <T>(a: readonly T[], b: readonly T[]) =>
  a.length === b.length && a.every((value, place) => value === b[place]);

/** Of a step of rank 0. */
function metricsOf(line: string): EventPayload<'step'>['metrics'] | null {
  try {
    const event = toEvent(JSON.parse(line));
    return event?.type === 'step' && event.rank === 0 ? event.payload.metrics : null;
  } catch {
    return null; // torn
  }
}
