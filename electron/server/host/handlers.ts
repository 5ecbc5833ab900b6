/** The types every handler map has to fit: one function a method, one stream a topic, params parsed and defaulted. */
import type {
  Method,
  MethodParsed,
  MethodResult,
  Topic,
  TopicEvent,
  TopicParsed,
} from '../../shared/api/api.ts';

export type MethodHandler<M extends Method> = (
  params: MethodParsed<M>,
) => MethodResult<M> | Promise<MethodResult<M>>;

/** Ends when the signal aborts. The reader pulls, so a slow client holds nothing in memory. */
export type TopicHandler<T extends Topic> = (
  params: TopicParsed<T>,
  signal: AbortSignal,
) => AsyncIterable<TopicEvent<T>>;

export type MethodHandlers = { [M in Method]: MethodHandler<M> };
export type TopicHandlers = { [T in Topic]: TopicHandler<T> };

/** The methods of one area: those whose names begin with `Area.`. */
export type AreaHandlers<Area extends string> = {
  [M in Extract<Method, `${Area}.${string}`>]: MethodHandler<M>;
};
