/**
 * The host: every method and topic of shared/api/api.ts over the parts below. Has no idea which shell it serves; Electron main,
 * `collie serve` and the CLI are three users of the same object.
 */
import type { z } from 'zod';
import {
  type Api,
  type Method,
  type MethodParams,
  type MethodResult,
  methods,
  type Topic,
  type TopicEvent,
  type TopicParams,
  topics,
} from '../shared/api/api.ts';
import { CollieError, toErrorInfo } from '../shared/errors.ts';
import { callbackHandlers } from './host/callbacks.ts';
import { compareHandlers } from './host/compare.ts';
import { evaluationHandlers } from './host/evaluations.ts';
import type { MethodHandlers, TopicHandlers } from './host/handlers.ts';
import { judgeHandlers } from './host/judges.ts';
import { datasetHandlers, modelHandlers, specHandlers } from './host/library.ts';
import { playgroundHandlers } from './host/playground.ts';
import { queueHandlers } from './host/queue.ts';
import { exportHandlers, jobHandlers, runHandlers } from './host/runs.ts';
import { createServices, type HostOptions, type Services } from './host/services.ts';
import { settingsHandlers } from './host/settings.ts';
import { studyHandlers } from './host/studies.ts';
import { sweepHandlers } from './host/sweeps.ts';
import { systemHandlers } from './host/system.ts';
import { topicHandlers } from './host/topics.ts';

export { defaultHome, type HostOptions, type Shell } from './host/services.ts';

export class Host implements Api {
  readonly services: Services;
  readonly #methods: MethodHandlers;
  readonly #topics: TopicHandlers;

  /** Use `createHost`. */
  constructor(services: Services) {
    this.services = services;
    this.#methods = {
      ...systemHandlers(services),
      ...modelHandlers(services),
      ...datasetHandlers(services),
      ...specHandlers(services),
      ...runHandlers(services),
      ...settingsHandlers(services),
      ...queueHandlers(services),
      ...callbackHandlers(services),
      ...judgeHandlers(services),
      ...evaluationHandlers(services),
      ...sweepHandlers(services),
      ...studyHandlers(services),
      ...jobHandlers(services),
      ...exportHandlers(services),
      ...compareHandlers(services),
      ...playgroundHandlers(services),
    };
    this.#topics = topicHandlers(services);
  }

  /** Parses the params, then runs the handler. Throws request.invalid for params that do not fit. */
  async call<M extends Method>(method: M, params: MethodParams<M>): Promise<MethodResult<M>> {
    const parsed = parse(method, methods[method].params, params);
    const handler = this.#methods[method] as (params: unknown) => MethodResult<M> | Promise<MethodResult<M>>;
    return handler(parsed);
  }

  /** The events of a topic, pulled by the reader, until the signal aborts. */
  async *stream<T extends Topic>(
    topic: T,
    params: TopicParams<T>,
    signal: AbortSignal,
  ): AsyncGenerator<TopicEvent<T>> {
    const parsed = parse(topic, topics[topic].params, params);
    const handler = this.#topics[topic] as (
      params: unknown,
      signal: AbortSignal,
    ) => AsyncIterable<TopicEvent<T>>;
    yield* handler(parsed, signal);
  }

  subscribe<T extends Topic>(
    topic: T,
    params: TopicParams<T>,
    onEvent: (event: TopicEvent<T>) => void,
    onEnd?: Parameters<Api['subscribe']>[3],
  ): () => void {
    const abort = new AbortController();
    const run = async () => {
      try {
        for await (const event of this.stream(topic, params, abort.signal)) {
          if (abort.signal.aborted) break;
          onEvent(event);
        }
        onEnd?.(null);
      } catch (thrown) {
        onEnd?.(abort.signal.aborted ? null : toErrorInfo(thrown));
      }
    };
    void run();
    return () => abort.abort();
  }

  /** Ends jobs and chats. Runs go on: they are not ours. */
  async close(): Promise<void> {
    this.services.readAhead.close();
    this.services.playground.closeAll();
    await this.services.jobs.close();
  }
}

/** A host over one COLLIE_HOME, created when it does not exist. */
export function createHost(options: HostOptions): Host {
  return new Host(createServices(options));
}

function parse(name: string, schema: z.ZodType, params: unknown): unknown {
  const result = schema.safeParse(params ?? {});
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => ({ path: path.join('.'), message }));
  const text = issues.map(({ path, message }) => `${path || 'params'}: ${message}`).join('; ');
  throw new CollieError('request.invalid', `${name} does not accept these parameters: ${text}`, '', {
    issues,
  });
}
