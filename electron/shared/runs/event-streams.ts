/**
 * Which file of a run an event is in, by its type: rank 0 writes one, the supervisor one for what callbacks tell and one for what it measures. Each has a `seq` of its own.
 * Without zod: the first code of the page asks it of every event.
 */
export const callbackEventTypes = ['callbacks_started', 'logged', 'asked'] as const;
export const monitorEventTypes = ['monitors_started', 'monitored'] as const;

/** `last`: the newest `seq` that a series has of it; `after`: where a subscription goes on. */
export const eventStreams = {
  rank: { last: 'lastSeq', after: 'afterSeq' },
  callbacks: { last: 'lastCallbackSeq', after: 'afterCallbackSeq' },
  monitors: { last: 'lastMonitorSeq', after: 'afterMonitorSeq' },
} as const;
export type EventStream = keyof typeof eventStreams;

const CALLBACKS: ReadonlySet<unknown> = new Set(callbackEventTypes);
const MONITORS: ReadonlySet<unknown> = new Set(monitorEventTypes);

/** Of a parsed event. */
export const streamOf = ({ type }: { type?: unknown }): EventStream =>
  CALLBACKS.has(type) ? 'callbacks' : MONITORS.has(type) ? 'monitors' : 'rank';

/** Where a reader is in all of them; -1: it has nothing yet. */
export type EventsPlace = Record<(typeof eventStreams)[EventStream]['after'], number>;
export const fromTheStart: EventsPlace = { afterSeq: -1, afterCallbackSeq: -1, afterMonitorSeq: -1 };

/** Where one is that has a series. */
export const placeAfter = (
  series: Record<(typeof eventStreams)[EventStream]['last'], number>,
): EventsPlace => ({
  afterSeq: series.lastSeq,
  afterCallbackSeq: series.lastCallbackSeq,
  afterMonitorSeq: series.lastMonitorSeq,
});
