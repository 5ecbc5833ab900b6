/** What is said to a model, and how it answers. */
import { z } from 'zod';

/** Most tuned models beside one base model: each has a key-value cache, and a column on the screen. */
export const MAX_TUNED = 4;

export const chatMessageSchema = z.object({
  role: z.enum(['system', 'user', 'assistant']),
  content: z.string(),
});
export type ChatMessage = z.infer<typeof chatMessageSchema>;

export const samplingParamsSchema = z.object({
  temperature: z.number().min(0).max(5).default(0.7),
  topK: z.number().int().min(0).max(1000).default(40),
  topP: z.number().gt(0).max(1).default(0.95),
  maxNewTokens: z.number().int().min(1).max(4096).default(256),
  seed: z.number().int().min(0).max(2_147_483_647).default(0),
});
export type SamplingParams = z.infer<typeof samplingParamsSchema>;
