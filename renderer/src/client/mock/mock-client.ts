/**
 * A Client without a host, for tests and for `vite` with ?mock. Derived from electron/shared/api/api.ts: every call and
 * every event passes the schema of its method, so a fixture that drifts from the contract fails at once.
 */
import {
  type Method,
  type MethodParsed,
  type MethodResult,
  methods,
  type Topic,
  type TopicEvent,
  type TopicParsed,
  topics,
} from '../../../../electron/shared/api/api.ts';
import { CollieError, toErrorInfo } from '../../../../electron/shared/errors.ts';
import type { Client, Line } from '../client.ts';
import { mockMethods, mockTopics } from './mock-host.ts';

export type Handlers = {
  [M in Method]: (params: MethodParsed<M>) => MethodResult<M> | Promise<MethodResult<M>>;
};
export type Streams = {
  /** Emits events until the returned function is called. */
  [T in Topic]: (params: TopicParsed<T>, emit: (event: TopicEvent<T>) => void, end: () => void) => () => void;
};

export interface MockOptions {
  readonly methods?: Partial<Handlers>;
  readonly topics?: Partial<Streams>;
  /** Time an answer takes, milliseconds; 0 answers in the next microtask. */
  readonly latencyMs?: number;
}

export interface MockClient extends Client {
  /** Every call so far, in order. */
  readonly calls: { method: Method; params: unknown }[];
  /** Sends an event to every subscriber of a topic. */
  emit<T extends Topic>(topic: T, event: TopicEvent<T>): void;
  setLine(line: Line): void;
}

interface OpenStream {
  readonly topic: Topic;
  readonly emit: (event: unknown) => void;
}

export function createMockClient(options: MockOptions = {}): MockClient {
  const handlers = { ...mockMethods(), ...options.methods } as Handlers;
  const streams = { ...mockTopics(), ...options.topics } as Streams;
  const calls: { method: Method; params: unknown }[] = [];
  const open = new Set<OpenStream>();
  const listeners = new Set<(line: Line) => void>();
  let line: Line = { state: 'open', retryAt: null };

  const setLine = (next: Line) => {
    line = next;
    for (const listener of listeners) listener(next);
  };

  return {
    calls,
    async call(method, params) {
      calls.push({ method, params });
      if (options.latencyMs) await new Promise((resolve) => setTimeout(resolve, options.latencyMs));
      const parsed = methods[method].params.safeParse(params);
      if (!parsed.success) throw new CollieError('request.invalid', `${method}: ${parsed.error.message}`);
      const handler = handlers[method] as (params: unknown) => unknown;
      return methods[method].result.parse(await handler(parsed.data)) as MethodResult<typeof method>;
    },
    subscribe(topic, params, onEvent, onEnd) {
      const emit = (event: unknown) => onEvent(topics[topic].event.parse(event) as never);
      const stream: OpenStream = { topic, emit };
      open.add(stream);
      const start = streams[topic] as (p: unknown, emit: unknown, end: () => void) => () => void;
      let stop = () => {};
      try {
        stop = start(topics[topic].params.parse(params), emit, () => onEnd?.(null));
      } catch (thrown) {
        onEnd?.(toErrorInfo(thrown));
      }
      return () => {
        open.delete(stream);
        stop();
      };
    },
    emit(topic, event) {
      for (const stream of [...open]) if (stream.topic === topic) stream.emit(event);
    },
    line: () => line,
    onLine(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    setLine,
    retry: () => setLine({ state: 'open', retryAt: null }),
    close: () => open.clear(),
  };
}
