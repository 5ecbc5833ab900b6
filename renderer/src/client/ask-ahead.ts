/**
 * Questions that are asked while the page is not drawn yet, and whose answers the page takes when it asks the same. Each answer is taken once: asked
 * again, the host is.
 */
import type { Api, Method, MethodParams, MethodResult } from '../../../electron/shared/api/api.ts';

/** A page that has not asked by now will not. */
const FORGOTTEN_MS = 10_000;

type Caller = Pick<Api, 'call'>;
const asked = new Map<string, Promise<unknown>>();
const keyOf = (method: Method, params: unknown) => `${method} ${JSON.stringify(params)}`;

export function askAhead<M extends Method>(
  client: Caller,
  method: M,
  params: MethodParams<M>,
): Promise<MethodResult<M>> {
  const key = keyOf(method, params);
  const answer = client.call(method, params);
  asked.set(key, answer);
  answer.catch(() => {}); // Told to who takes it.
  setTimeout(() => asked.delete(key), FORGOTTEN_MS);
  return answer;
}

/** The answer that is on its way already, or that of a call. */
export function ask<M extends Method>(
  client: Caller,
  method: M,
  params: MethodParams<M>,
): Promise<MethodResult<M>> {
  const key = keyOf(method, params);
  const ahead = asked.get(key) as Promise<MethodResult<M>> | undefined;
  asked.delete(key);
  return ahead ?? client.call(method, params);
}
