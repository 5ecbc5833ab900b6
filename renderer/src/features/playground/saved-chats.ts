/** Conversations of this browser, one a base model: a reload goes on where it was. Pure but for the storage handed in. */
import { z } from 'zod';
import { errorInfoSchema } from '../../../../electron/shared/error-info.ts';
import { reduceChat, type Turns } from './chat.ts';

const answerSchema = z.object({
  state: z.enum(['waiting', 'streaming', 'done', 'stopped', 'failed']),
  text: z.string(),
  tokens: z.number(),
  seconds: z.number(),
  finish: z.enum(['stop', 'length']).nullable(),
  error: errorInfoSchema.nullable(),
});
const turnsSchema = z.array(
  z.object({
    id: z.number().int(),
    prompt: z.string(),
    seed: z.number().int(),
    answers: z.record(z.string(), answerSchema),
  }),
);

/** Older turns of a long conversation are given up, so that the storage of the browser is never full of them. */
const MOST_TURNS = 60;
const key = (modelId: string) => `collie.chat.${modelId}`;

/** What was open when the page went away has ended there. */
export function loadChat(storage: Pick<Storage, 'getItem'> | undefined, modelId: string): Turns {
  try {
    const saved = turnsSchema.safeParse(JSON.parse(storage?.getItem(key(modelId)) ?? '[]'));
    return saved.success ? reduceChat(saved.data, { type: 'stopped' }) : [];
  } catch {
    return [];
  }
}

export function saveChat(
  storage: Pick<Storage, 'setItem' | 'removeItem'> | undefined,
  modelId: string,
  turns: Turns,
): void {
  try {
    if (turns.length === 0) storage?.removeItem(key(modelId));
    else storage?.setItem(key(modelId), JSON.stringify(turns.slice(-MOST_TURNS)));
  } catch {
    // A full or forbidden storage: the conversation lives as long as the page.
  }
}
