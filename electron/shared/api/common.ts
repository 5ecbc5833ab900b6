/** Parts of parameters and results that many methods have. */
import { z } from 'zod';

/** Of a model, dataset or run: the name of a folder. */
export const id = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/);
export const none = z.object({});
export const ok = z.object({});
/** Of a job that was started: `jobs` tells how it goes. */
export const jobRef = z.object({ jobId: z.string() });
