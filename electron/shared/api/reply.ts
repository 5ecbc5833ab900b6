/** Messages of the host, apart from the table of methods and without zod: a page asks and reads answers before its code is there. */
import type { ErrorInfo } from '../error-info.ts';

export type Reply =
  | { id: number; result: unknown }
  | { id: number; error: ErrorInfo }
  | { id: number; event: unknown }
  | { id: number; end: true };

/** A message of the host as what it must be. Throws TypeError for anything else. */
export function readReply(message: unknown): Reply {
  const reply = message as Partial<Record<string, unknown>> | null;
  const error = reply?.error as Partial<ErrorInfo> | undefined;
  const known =
    typeof reply === 'object' &&
    Number.isSafeInteger(reply?.id) &&
    (error ? typeof error.code === 'string' && typeof error.message === 'string' : hasAnswer(reply));
  if (!known) throw new TypeError('the host sent no reply');
  return message as Reply;
}

const hasAnswer = (reply: object | null): boolean =>
  reply !== null && ('result' in reply || 'event' in reply || (reply as { end?: unknown }).end === true);
