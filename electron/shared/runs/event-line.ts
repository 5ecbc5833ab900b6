/** The one decoder of events: a line of events/rank-NNN.jsonl, or its parsed object, as a checked event of the newest version. */
import { EVENTS_VERSION, type EventPayload, type EventType, eventPayloads, type RunEvent } from './events.ts';

/** How the line of an event may begin: writers sort keys or they do not. */
const FIRST_KEYS = ['{"v":', '{"payload":'];

export interface RawEvent {
  seq: number;
  type?: unknown;
}

/**
 * One line as an object with a seq; null when it is none. A rank killed in the middle of a write leaves a torn line, and
 * the next attempt may have appended its first event to it: that event is taken.
 */
export function parseLine(line: string): RawEvent | null {
  const whole = parseObject(line);
  if (whole) return whole;
  const start = Math.max(...FIRST_KEYS.map((key) => line.lastIndexOf(key)));
  return start > 0 ? parseObject(line.slice(start)) : null;
}

function parseObject(text: string): RawEvent | null {
  try {
    const value = JSON.parse(text) as Partial<RawEvent> | null;
    return typeof value?.seq === 'number' ? (value as RawEvent) : null;
  } catch {
    return null;
  }
}

/** The event of a line, torn beginnings cut off; null when it is none that we know. */
export const readEvent = (line: string): RunEvent | null => toEvent(parseLine(line));

/** A parsed object as an event; null when it is none that we know. Events of version 1 become those of version 2. */
export function toEvent(value: unknown): RunEvent | null {
  if (typeof value !== 'object' || value === null) return null;
  const event = value as Record<string, unknown>;
  const { v, rank, seq, timeUs, step, type } = event;
  const known =
    (v === 1 || v === EVENTS_VERSION) &&
    isCount(rank) &&
    isCount(seq) &&
    typeof timeUs === 'number' &&
    isCount(step) &&
    typeof type === 'string' &&
    Object.hasOwn(eventPayloads, type);
  if (!known || typeof event.payload !== 'object' || event.payload === null) return null;
  const payload = payloadOf(type as EventType, v, event.payload);
  // As it came, where nothing had to be changed: nearly all events of a run are such.
  if (payload === event.payload && v === EVENTS_VERSION) return event as RunEvent;
  return payload && ({ v: EVENTS_VERSION, rank, seq, timeUs, step, type, payload } as RunEvent);
}

export const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;

function payloadOf(type: EventType, v: unknown, payload: object): object | null {
  // Nearly all events of a run are steps: told by their form, without a schema.
  if (type === 'step') return v === 1 ? { metrics: numbers(payload) } : measured(payload);
  if (type === 'eval') return v === 1 ? { set: DEFAULT_SET, metrics: evalOfV1(payload) } : evaluated(payload);
  return eventPayloads[type].safeParse(payload).data ?? null;
}

/** The set of an evaluation on the rows held out of the training data, or on the evaluation data of the spec. */
export const DEFAULT_SET = 'eval';

function measured(payload: object): EventPayload<'step'> | null {
  const { metrics } = payload as { metrics?: unknown };
  if (typeof metrics !== 'object' || metrics === null) return null;
  const measured = numbers(metrics);
  return measured === metrics ? (payload as EventPayload<'step'>) : { metrics: measured };
}

function evaluated(payload: object): EventPayload<'eval'> | null {
  const values = measured(payload);
  const { set = DEFAULT_SET } = payload as { set?: unknown };
  return values && typeof set === 'string' && set !== '' ? { set, ...values } : null;
}

function evalOfV1(payload: object): Record<string, number | null> {
  const { seconds, ...others } = payload as Record<string, unknown>;
  return numbers({ ...others, eval_seconds: seconds });
}

/** Metrics are numbers; null is one that was not finite (JSON has no other way to say so). */
function numbers(values: object): Record<string, number | null> {
  for (const name in values) {
    const value = (values as Record<string, unknown>)[name];
    if (typeof value !== 'number' && value !== null) return onlyNumbers(values);
  }
  return values as Record<string, number | null>;
}

const onlyNumbers = (values: object): Record<string, number | null> =>
  Object.fromEntries(
    Object.entries(values).filter(([, value]) => typeof value === 'number' || value === null),
  );
