/**
 * One connected client, whatever carries its messages: parses requests, calls the host, streams subscriptions back.
 * A subscription writes its next event only after the sink took the last one, so a slow client never fills memory.
 */

import {
  type Method,
  type MethodParams,
  type MethodResult,
  type Request,
  requestSchema,
  type Topic,
  type TopicEvent,
  type TopicParams,
} from '../shared/api/api.ts';
import { isDeeperThan, MAX_JSON_DEPTH } from '../shared/api/json.ts';
import type { Reply } from '../shared/api/reply.ts';
import { CollieError, toErrorInfo } from '../shared/errors.ts';

/** The host as transports see it. */
export interface ApiHost {
  call<M extends Method>(method: M, params: MethodParams<M>): Promise<MethodResult<M>>;
  /** Rejects bad params at the first pull. Ends when the signal aborts. */
  stream<T extends Topic>(
    topic: T,
    params: TopicParams<T>,
    signal: AbortSignal,
  ): AsyncIterable<TopicEvent<T>>;
}

export interface Sink {
  /**
   * Resolves when the transport can take more. A gone client is reported by closing; rejects only for what cannot be sent at all
   * (too deep, too long for one string).
   */
  write(reply: Reply): Promise<void>;
}

const MAX_SUBSCRIPTIONS = 64;
const MAX_CALLS = 64;

export class Dispatcher {
  readonly #host: ApiHost;
  readonly #sink: Sink;
  readonly #subscriptions = new Map<number, AbortController>();
  #calls = 0;
  #closed = false;

  constructor(host: ApiHost, sink: Sink) {
    this.#host = host;
    this.#sink = sink;
  }

  /** Takes one decoded message. Never throws: what is wrong goes back as an error reply. */
  receive(message: unknown): void {
    if (this.#closed) return;
    if (isDeeperThan(message)) {
      this.#fail(idOf(message), tooDeep());
      return;
    }
    const parsed = requestSchema.safeParse(message);
    if (!parsed.success) {
      this.#fail(idOf(message), invalidRequest(message));
      return;
    }
    const request: Request = parsed.data;
    if ('method' in request) void this.#call(request);
    else if ('subscribe' in request) void this.#subscribe(request);
    else this.#subscriptions.get(request.id)?.abort();
  }

  /** Ends all subscriptions. Calls under way finish, their replies go nowhere. */
  close(): void {
    this.#closed = true;
    for (const abort of this.#subscriptions.values()) abort.abort();
    this.#subscriptions.clear();
  }

  async #call(request: Extract<Request, { method: Method }>): Promise<void> {
    if (this.#calls >= MAX_CALLS) return this.#fail(request.id, tooMany('calls', MAX_CALLS));
    this.#calls += 1;
    try {
      const result = await this.#host.call(request.method, request.params as never);
      // A call lasts until its answer is taken: who never reads has no more than MAX_CALLS answers waiting.
      await this.#write({ id: request.id, result });
    } catch (thrown) {
      await this.#write({ id: request.id, error: toErrorInfo(thrown) });
    } finally {
      this.#calls -= 1;
    }
  }

  async #subscribe(request: Extract<Request, { subscribe: Topic }>): Promise<void> {
    const { id } = request;
    if (this.#subscriptions.has(id)) {
      return this.#fail(id, new CollieError('request.invalid', `Subscription id ${id} is already in use.`));
    }
    if (this.#subscriptions.size >= MAX_SUBSCRIPTIONS) {
      return this.#fail(id, tooMany('subscriptions', MAX_SUBSCRIPTIONS));
    }
    const abort = new AbortController();
    this.#subscriptions.set(id, abort);
    try {
      const stream = this.#host.stream(request.subscribe, request.params as never, abort.signal);
      for await (const event of stream) {
        if (abort.signal.aborted || this.#closed) break;
        await this.#sink.write({ id, event });
      }
      void this.#write({ id, end: true });
    } catch (thrown) {
      if (abort.signal.aborted) void this.#write({ id, end: true });
      else this.#fail(id, thrown);
    } finally {
      this.#subscriptions.delete(id);
    }
  }

  #fail(id: number, thrown: unknown): void {
    void this.#write({ id, error: toErrorInfo(thrown) });
  }

  async #write(reply: Reply): Promise<void> {
    if (this.#closed) return;
    try {
      await this.#sink.write(reply);
    } catch (thrown) {
      const message = `The answer cannot be sent: ${toErrorInfo(thrown).message}.`;
      const error = new CollieError('request.invalid', message).toInfo();
      await this.#sink.write({ id: reply.id, error }).catch(() => {});
    }
  }
}

/** -1 when the message has no usable id: the client logs it as its own fault. */
function idOf(message: unknown): number {
  const id = (message as { id?: unknown } | null)?.id;
  return Number.isSafeInteger(id) ? (id as number) : -1;
}

function invalidRequest(message: unknown): CollieError {
  const wish = message as { method?: unknown; subscribe?: unknown } | null;
  const name = wish?.method ?? wish?.subscribe;
  const what = typeof name === 'string' ? `unknown method or topic "${name.slice(0, 80)}"` : 'not a request';
  return new CollieError(
    'request.invalid',
    `The host cannot read this message: ${what}.`,
    'Reload the page.',
  );
}

function tooDeep(): CollieError {
  return new CollieError(
    'request.invalid',
    `The host cannot read this message: it is nested more than ${MAX_JSON_DEPTH} deep.`,
  );
}

function tooMany(what: string, limit: number): CollieError {
  return new CollieError('request.invalid', `More than ${limit} ${what} at once on one connection.`);
}
