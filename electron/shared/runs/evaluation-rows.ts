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
  /** Of a classification: what there is to choose from, the place of the right one, and where its documents are in the token store. */
  labels: z.array(z.string()).optional(),
  label: z.number().int().optional(),
  first_document: z.number().int().optional(),
  /** Of labels that are held against themselves without the prompt: where those documents are, one a label; rows share them. */
  alone_documents: z.array(z.number().int()).optional(),
  /** Of a generation: what the answer is held against. */
  references: z.array(z.string()).optional(),
  /** Of a prompt of instructions: what the answer must keep to. */
  instructions: z.array(z.object({ id: z.string(), settings: z.record(z.string(), z.unknown()) })).optional(),
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

/** First line of evaluations/<set>/step-NNNNNNNN.jsonl, the record of a named set. */
export const setHeadSchema = z.object({
  v: z.literal(2),
  step: z.number().int(),
  rows: z.number().int(),
  metrics: z.record(z.string(), z.number().nullable()),
  /** Of a classification with the same labels in every row: [right label][chosen label]. */
  confusion: z.object({ labels: z.array(z.string()), matrix: z.array(z.array(z.number().int())) }).optional(),
});
export type SetHead = z.infer<typeof setHeadSchema>;

/** The other lines: what was found for a row of data/set-<name>.rows.jsonl. */
export const scoredRowSchema = z.object({
  row: z.number().int().min(0),
  /** Of the given answer, of a classification of the right label: sum over the targets, nats. */
  loss: z.number().optional(),
  targets: z.number().int().optional(),
  correct: z.number().int().optional(),
  /** Of a classification: place of the chosen label, its probability among the labels, and the loss of each. */
  chosen: z.number().int().optional(),
  probability: z.number().optional(),
  losses: z.array(z.number()).optional(),
  /** And without the prompt. */
  losses_alone: z.array(z.number()).optional(),
  /** Of a generation, one or several to a prompt. */
  answers: z.array(z.object({ text: z.string(), finish: z.enum(['stop', 'length']) })).optional(),
  /** Of a prompt of instructions: whether the answer keeps to each, strictly and loosely; of several answers the first. */
  followed: z.object({ strict: z.array(z.boolean()), loose: z.array(z.boolean()) }).optional(),
  /** Of answers that a judge was asked about, in their order: its score, null where it gave none, and what there is to say of it. */
  judged: z.array(z.object({ score: z.number().nullable(), remark: z.string() })).optional(),
  /** By metric; of several answers the mean. */
  scores: z.record(z.string(), z.number()),
});
export type ScoredRow = z.infer<typeof scoredRowSchema>;

/** Lines of evaluations/<set>/step-NNNNNNNN.raw.jsonl, which the engine writes and the supervisor scores. */
export const rawLossSchema = z.object({
  row: z.number().int().min(0),
  loss: z.number(),
  targets: z.number().int(),
  correct: z.number().int(),
});
export type RawLoss = z.infer<typeof rawLossSchema>;
export const rawAnswerSchema = z.object({
  row: z.number().int().min(0),
  answer: z.number().int().min(0),
  ids: z.array(z.number().int()),
  finish: z.enum(['stop', 'length']),
});
export type RawAnswer = z.infer<typeof rawAnswerSchema>;

/** Step of a record's file name; null: another file. */
export function evaluationStep(name: string): number | null {
  const match = /^step-(\d{8,})\.jsonl$/.exec(name);
  return match ? Number(match[1]) : null;
}
