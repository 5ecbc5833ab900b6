/**
 * The wire format of electron/shared/api/api.ts over any channel that carries messages: numbers requests, matches
 * replies, and repeats what must be repeated when the channel comes back.
 *
 * Calls made while the channel is down wait for it; calls in flight when it breaks fail with `connection.lost`, as
 * nobody knows whether the host has done them. Subscriptions live on: they are sent again with the parameters that
 * continue where they were cut.
 */
import type {
  Api,
  Method,
  MethodParams,
  MethodResult,
  Topic,
  TopicEvent,
  TopicParams,
} from '../../../electron/shared/api/api.ts';
import { readReply } from '../../../electron/shared/api/reply.ts';
import { CollieError, type ErrorInfo } from '../../../electron/shared/errors.ts';
import { eventStreams, fromTheStart, streamOf } from '../../../electron/shared/runs/event-streams.ts';

interface PendingCall {
  readonly frame: { id: number; method: Method; params: unknown };
  sent: boolean;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: CollieError) => void;
}

interface Subscription {
  readonly topic: Topic;
  params: Record<string, unknown>;
  readonly onEvent: (event: unknown) => void;
  readonly onEnd: ((error: ErrorInfo | null) => void) | undefined;
}

/** Topics whose stream is one piece of work: a broken line ends them instead of starting them again. */
const notResumable: readonly Topic[] = ['playground.generate'];

export function connectionLost(what: string): CollieError {
  return new CollieError(
    'connection.lost',
    `The connection to the host was lost during ${what}.`,
    'Runs go on without the window. Try again once the connection is back.',
  );
}

/** The parameters that continue a stream after `event`: run events go on behind the last `seq` of each of their streams. */
export function paramsAfter(
  topic: Topic,
  params: Record<string, unknown>,
  event: unknown,
): Record<string, unknown> {
  if (topic !== 'runs.events') return params;
  const places: Record<string, unknown> = { ...fromTheStart, ...params };
  for (const one of (event as TopicEvent<'runs.events'>).events as { seq?: unknown; type?: unknown }[]) {
    const place = eventStreams[streamOf(one)].after;
    if (typeof one.seq === 'number' && one.seq > Number(places[place])) places[place] = one.seq;
  }
  return places;
}

export class Exchange implements Api {
  #nextId = 1;
  #send: ((message: unknown) => void) | null = null;
  readonly #calls = new Map<number, PendingCall>();
  readonly #subscriptions = new Map<number, Subscription>();

  call<M extends Method>(method: M, params: MethodParams<M>): Promise<MethodResult<M>> {
    return new Promise((resolve, reject) => {
      const frame = { id: this.#nextId++, method, params };
      const call: PendingCall = { frame, sent: false, resolve: resolve as (r: unknown) => void, reject };
      this.#calls.set(frame.id, call);
      this.#sendCall(call);
    });
  }

  subscribe<T extends Topic>(
    topic: T,
    params: TopicParams<T>,
    onEvent: (event: TopicEvent<T>) => void,
    onEnd?: (error: ErrorInfo | null) => void,
  ): () => void {
    const id = this.#nextId++;
    this.#subscriptions.set(id, {
      topic,
      params: params as Record<string, unknown>,
      onEvent: onEvent as (event: unknown) => void,
      onEnd,
    });
    this.#write({ id, subscribe: topic, params });
    return () => {
      if (this.#subscriptions.delete(id)) this.#write({ id, unsubscribe: true });
    };
  }

  /** The channel is up: sends what waits and renews every subscription. */
  attach(send: (message: unknown) => void): void {
    this.#send = send;
    for (const [id, sub] of this.#subscriptions)
      this.#write({ id, subscribe: sub.topic, params: sub.params });
    for (const call of this.#calls.values()) this.#sendCall(call);
  }

  /** The channel is down. */
  detach(): void {
    this.#send = null;
    for (const [id, call] of this.#calls) {
      if (!call.sent) continue;
      this.#calls.delete(id);
      call.reject(connectionLost(`"${call.frame.method}"`));
    }
    for (const [id, sub] of this.#subscriptions) {
      if (!notResumable.includes(sub.topic)) continue;
      this.#subscriptions.delete(id);
      sub.onEnd?.(connectionLost(`"${sub.topic}"`).toInfo());
    }
  }

  /** Nobody will ever answer: everything that waits fails. */
  abandon(error: CollieError): void {
    this.#send = null;
    for (const call of this.#calls.values()) call.reject(error);
    this.#calls.clear();
    for (const sub of this.#subscriptions.values()) sub.onEnd?.(error.toInfo());
    this.#subscriptions.clear();
  }

  receive(message: unknown): void {
    const reply = readReply(message);
    const call = this.#calls.get(reply.id);
    if (call) {
      this.#calls.delete(reply.id);
      if ('error' in reply) call.reject(CollieError.fromInfo(reply.error));
      else if ('result' in reply) call.resolve(reply.result);
      return;
    }
    const sub = this.#subscriptions.get(reply.id);
    // An event may cross our unsubscribe on the way: nobody wants it any more.
    if (!sub) return;
    if ('event' in reply) {
      sub.params = paramsAfter(sub.topic, sub.params, reply.event);
      sub.onEvent(reply.event);
      return;
    }
    this.#subscriptions.delete(reply.id);
    sub.onEnd?.('error' in reply ? reply.error : null);
  }

  #sendCall(call: PendingCall): void {
    if (this.#send && !call.sent) {
      call.sent = true;
      this.#write(call.frame);
    }
  }

  #write(frame: unknown): void {
    this.#send?.(frame);
  }
}
