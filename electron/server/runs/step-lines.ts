/**
 * Lines of steps, read without JSON.parse, which was most of the time that a long run took: the lines of a run differ in their numbers only. One is parsed and teaches what stands between
 * its numbers; a line where the same stands between numbers is the same event with other numbers. Whatever else there is, is left to the decoder of events.
 */
import { isCount, toEvent } from '../../shared/runs/event-line.ts';
import type { EventPayload } from '../../shared/runs/events.ts';
import type { StepRow } from '../../shared/runs/step-row.ts';
import { NumberReader } from './json-number.ts';

/** Steps of one run have few forms: with or without what is measured now and then. */
const MOST_FORMS = 8;
const NEWLINE = 10;
/** What changes from line to line beside the metrics. */
const COUNTERS = ['seq', 'step', 'timeUs'] as const;
type Counter = (typeof COUNTERS)[number];

/** What stands before a number, and whose it is: a counter's, or else the next metric's. */
interface Slot {
  before: Literal;
  counter: Counter | null;
}

interface Form {
  slots: readonly Slot[];
  end: Literal;
  /** Filled anew by each line. */
  row: StepRow;
}

/** Of one piece of a file. */
export class StepLines {
  /** Of the line that was read last: one object for all lines of a form. */
  row: StepRow | null = null;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #numbers: NumberReader;
  readonly #forms: Form[] = [];
  #last: Form | null = null;
  #tried = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#numbers = new NumberReader(bytes);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  /** The offset of the end of the line that begins here, its numbers in `row`; -1: the line is of no form that is known. */
  read(from: number): number {
    if (!this.#last) return -1;
    const end = this.#readAs(this.#last, from);
    if (end >= 0 || this.#forms.length === 1) return end;
    for (const form of this.#forms) {
      const other = form === this.#last ? -1 : this.#readAs(form, from);
      if (other < 0) continue;
      this.#last = form;
      return other;
    }
    return -1;
  }

  /** Takes in the form of a line that JSON.parse has read. */
  learn(line: string): void {
    if (this.#tried++ >= MOST_FORMS) return;
    const form = formOf(line);
    if (!form) return;
    this.#forms.push(form);
    this.#last = form;
  }

  #readAs({ slots, end, row }: Form, from: number): number {
    let at = from;
    let metric = 0;
    for (const { before, counter } of slots) {
      at = before.behind(this.#view, at);
      if (at < 0) return -1;
      const behind = this.#numbers.read(at);
      const { value } = this.#numbers;
      if (counter !== null) {
        if (behind < 0 || (counter !== 'timeUs' && !isCount(value))) return -1;
        row[counter] = value;
        at = behind;
      } else if (behind >= 0) {
        row.values[metric++] = value;
        at = behind;
      } else {
        row.values[metric++] = Number.NaN;
        at = isNull.behind(this.#view, at);
        if (at < 0) return -1;
      }
    }
    at = end.behind(this.#view, at);
    if (at < 0 || (at < this.#bytes.length && this.#bytes[at] !== NEWLINE)) return -1;
    this.row = row;
    return at;
  }
}

const WORD = 4;

/** A text of 4 bytes or more, compared four at a time; the last four may overlap others. */
class Literal {
  readonly #words: Int32Array;
  readonly #length: number;

  constructor(text: string) {
    const bytes = Buffer.from(text);
    this.#length = bytes.length;
    this.#words = Int32Array.from({ length: Math.ceil(bytes.length / WORD) }, (_, k) =>
      bytes.readInt32LE(Math.min(k * WORD, bytes.length - WORD)),
    );
  }

  /** The offset behind it; -1: it does not stand there. */
  behind(view: DataView, at: number): number {
    const end = at + this.#length;
    if (end > view.byteLength) return -1;
    const words = this.#words;
    const last = words.length - 1;
    for (let k = 0; k < last; k++) if (view.getInt32(at + k * WORD, true) !== words[k]) return -1;
    return view.getInt32(end - WORD, true) === words[last] ? end : -1;
  }
}

const isNull = new Literal('null');

const TOKEN = /"(?:[^"\\]|\\.)*"|[{}[\]]|-?\d[\d.eE+-]*|null/g;
/** Braces around a metric: of the event, its payload, and the metrics. */
const METRIC_DEPTH = 3;

/** null: not the line of a step, or one that could be taken for another. */
function formOf(line: string): Form | null {
  const metrics = metricsOf(line);
  if (!metrics) return null;
  const names = Object.keys(metrics);
  const slots: Slot[] = [];
  const found: string[] = [];
  let [depth, key, from] = [0, '', 0];
  for (const { 0: token, index } of line.matchAll(TOKEN)) {
    if (token === '{' || token === '[') depth++;
    else if (token === '}' || token === ']') depth--;
    else if (token.startsWith('"')) key = token.slice(1, -1);
    else {
      const counter = depth === 1 ? (COUNTERS.find((name) => name === key) ?? null) : null;
      if (counter === null && depth !== METRIC_DEPTH) continue; // the same in all lines of this form
      if (counter === null) found.push(key);
      if (index - from < WORD) return null;
      slots.push({ before: new Literal(line.slice(from, index)), counter });
      from = index + token.length;
    }
  }
  // A name twice, or numbers elsewhere at that depth, would have made another list.
  const counters = slots.flatMap(({ counter }) => counter ?? []).sort();
  if (!isSame(found, names) || !isSame(counters, COUNTERS) || line.length - from < WORD) return null;
  const values = new Float64Array(names.length);
  const row: StepRow = { type: 'row', seq: 0, step: 0, timeUs: 0, names, values };
  return { slots, end: new Literal(line.slice(from)), row };
}

const isSame = (a: readonly string[], b: readonly string[]) =>
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
