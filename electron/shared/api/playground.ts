/** Asking models: beside each other in the playground, and one that trains. */
import { z } from 'zod';
import { chatMessageSchema, MAX_TUNED, samplingParamsSchema } from './chat.ts';
import { id, ok } from './common.ts';

/** Some more of an answer that streams. */
const answerPiece = z.object({
  text: z.string(),
  done: z.boolean(),
  tokens: z.number().int(),
  seconds: z.number(),
  finish: z.enum(['stop', 'length']).nullable(),
});

export const playgroundMethods = {
  /**
   * Loads the base model, and beside it what runs made of it (adapters or whole weights), into one serving rank. Given a session,
   * it goes on with that where it can: what is loaded there stays, the base above all, and only what is new is added.
   */
  'playground.open': {
    params: z.object({
      modelId: id,
      /** An empty checkpoint is the newest. */
      tuned: z
        .array(z.object({ runId: id, checkpoint: z.string().default('') }))
        .max(MAX_TUNED)
        .default([]),
      sessionId: z.string().nullable().default(null),
    }),
    /** `places`: of every one in `tuned`, what `playground.generate` calls it. */
    result: z.object({ sessionId: z.string(), places: z.array(z.number().int()) }),
  },
  'playground.close': { params: z.object({ sessionId: z.string() }), result: ok },
} as const;

export const chatTopics = {
  /**
   * Streams an answer of the weights as they are, between two steps of a run that trains. Unsubscribing ends it; the training is not changed by it,
   * but waits meanwhile.
   */
  'runs.ask': {
    params: z.object({
      id,
      /** False: the base model answers, without the adapter that is trained. */
      adapter: z.boolean().default(true),
      messages: z.array(chatMessageSchema).min(1),
      sampling: samplingParamsSchema,
    }),
    /** `seconds`: since the first token; at the end, what the training waited. `step`: of the weights, at the end. */
    event: answerPiece.extend({ step: z.number().int().nullable() }),
  },
  /** Streams one answer. Unsubscribing stops the generation. */
  'playground.generate': {
    params: z.object({
      sessionId: z.string(),
      /** Which of the tuned models answers, by its place from `playground.open`; null: the base model. */
      tuned: z.number().int().min(0).nullable(),
      messages: z.array(chatMessageSchema).min(1),
      sampling: samplingParamsSchema,
    }),
    event: answerPiece,
  },
} as const;
