/** An error as it is sent and kept. Apart from errors.ts, which the first code of the page loads before zod. */
import { z } from 'zod';
import { errorCodes } from './errors.ts';

export const errorInfoSchema = z.object({
  code: z.enum(errorCodes),
  /** One sentence that names the thing and the value. */
  message: z.string(),
  /** What the user can do next; empty when there is nothing. */
  hint: z.string().default(''),
  data: z.record(z.string(), z.unknown()).default({}),
});
export type ErrorInfo = z.infer<typeof errorInfoSchema>;
