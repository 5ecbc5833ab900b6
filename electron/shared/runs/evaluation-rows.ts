/**
 * The two halves of the per-example record of a run, by which runs are compared row by row (docs/run-folder.md): what the rows are,
 * written by the host when it makes the token store, and what an evaluation found for each, written by the engine.
 */
import { z } from 'zod';

const hash = z.string().regex(/^[0-9a-f]{16}$/);

/** One line of data/eval-rows.jsonl: a row of the evaluation split, in the order of the token store. */
export const evalRowSchema = z.object({
  /** Of what the row says: its messages, without the system prompt of the spec. The same text has the same id in every run. */
  id: hash,
  /** Of the messages before the first answer: rows that share them belong to one conversation. */
  conversation: hash,
  /** Of token ids and mask: equal where template, tokenizer and truncation did the same. */
  tokens_id: hash,
  /** Position in the dataset, from 0. */
  source_row: z.number().int(),
  tokens: z.number().int(),
  /** UTF-8 bytes of the answers; null where some of them fell off: then bits per byte mean nothing. */
  answer_bytes: z.number().int().nullable(),
  messages: z.array(z.object({ role: z.string(), content: z.string() })),
});
export type EvalRow = z.infer<typeof evalRowSchema>;

/** First line of evaluations/step-NNNNNNNN.jsonl. */
export const evaluationHeadSchema = z.object({
  v: z.literal(1),
  step: z.number().int(),
  rows: z.number().int(),
  loss: z.number(),
  target_tokens: z.number().int(),
});
export type EvaluationHead = z.infer<typeof evaluationHeadSchema>;

/** The other lines. */
export const evaluatedRowSchema = z.object({
  /** Line of data/eval-rows.jsonl, from 0. */
  row: z.number().int().min(0),
  /** Sum over the targets, nats. */
  loss: z.number(),
  targets: z.number().int().min(0),
  correct: z.number().int().min(0),
});
export type EvaluatedRow = z.infer<typeof evaluatedRowSchema>;

/** Step of a record's file name; null: another file. */
export function evaluationStep(name: string): number | null {
  const match = /^step-(\d{8,})\.jsonl$/.exec(name);
  return match ? Number(match[1]) : null;
}
