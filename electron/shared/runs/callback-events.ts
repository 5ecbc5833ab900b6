/** What callbacks add to the events of a run, by its types. Without zod: the first code of the page asks it of every event. */
export const callbackEventTypes = ['callbacks_started', 'logged', 'asked'] as const;

const TYPES: ReadonlySet<unknown> = new Set(callbackEventTypes);
/** Whether a parsed event is of the callbacks' stream, which counts its `seq` by itself. */
export const isCallbackEvent = ({ type }: { type?: unknown }): boolean => TYPES.has(type);
