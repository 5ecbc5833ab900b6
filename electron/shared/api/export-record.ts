/** What an export has left behind. */
import { z } from 'zod';
import { exportKindSchema } from '../spec/method-traits.ts';

export const exportRecordSchema = z.object({
  runId: z.string(),
  checkpoint: z.string(),
  kind: exportKindSchema,
  path: z.string(),
  sizeBytes: z.number().int(),
  createdAt: z.string(),
});
export type ExportRecord = z.infer<typeof exportRecordSchema>;
