/** Messages of the host, apart from the table of methods: a page reads replies without it. */
import { z } from 'zod';
import { errorInfoSchema } from '../errors.ts';

const requestId = z.number().int();

export const replySchema = z.union([
  z.object({ id: requestId, result: z.unknown() }),
  z.object({ id: requestId, error: errorInfoSchema }),
  z.object({ id: requestId, event: z.unknown() }),
  z.object({ id: requestId, end: z.literal(true) }),
]);
export type Reply =
  | { id: number; result: unknown }
  | { id: number; error: z.infer<typeof errorInfoSchema> }
  | { id: number; event: unknown }
  | { id: number; end: true };
