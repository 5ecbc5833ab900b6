/** What is said to the process of a callback and by it: a JSON object a line, over its fourth file descriptor. */
import { z } from 'zod';
import { callbackRequests } from '../../shared/runs/callbacks.ts';

export const handlerNames = [
  'onStart',
  'onStep',
  'onEvaluation',
  'onSample',
  'onCheckpoint',
  'onEnd',
] as const;
export type HandlerName = (typeof handlerNames)[number];

/** Seconds that a handler may take. */
export const HANDLER_LIMIT = { usual: 60, most: 600 };

/** `load` comes first and once; `info` is what handlers are told about the run. */
export type ToCallback =
  | { type: 'load'; file: string; info: unknown }
  | { type: 'event'; id: number; handler: HandlerName; event: unknown };

export const fromCallbackSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('ready'),
    handlers: z.array(z.enum(handlerNames)),
    limitSeconds: z.number().min(0).max(HANDLER_LIMIT.most),
  }),
  z.object({ type: z.literal('refused'), message: z.string() }),
  z.object({ type: z.literal('done'), id: z.number().int() }),
  /** It ends after this. */
  z.object({ type: z.literal('failed'), message: z.string() }),
  z.object({ type: z.literal('log'), metrics: z.record(z.string(), z.unknown()) }),
  z.object({ type: z.literal('ask'), request: z.enum(callbackRequests), reason: z.string().optional() }),
]);
export type FromCallback = z.infer<typeof fromCallbackSchema>;
