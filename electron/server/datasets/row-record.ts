/**
 * What the rows of a split are, beside their tokens: `<split>.rows.u64` has two hashes a row (content, conversation), by which the
 * data of two runs are compared without their texts; `eval-rows.jsonl` says of every evaluated row all that a comparison shows.
 */
import { createHash } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { EvalRow } from '../../shared/runs/evaluation-rows.ts';
import type { Conversation } from '../tokenize/conversation.ts';
import type { Message } from '../tokenize/template.ts';

export const EVAL_ROWS_FILE = 'eval-rows.jsonl';
export const rowHashesFile = (split: string) => `${split}.rows.u64`;

/** The first 64 bits of a SHA-256: among a million rows, two that differ share one with a chance of 3e-8. */
export function hash64(...parts: (string | Uint8Array)[]): Buffer {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest().subarray(0, 8);
}

const bytesOf = (array: Uint32Array | Uint8Array) =>
  new Uint8Array(array.buffer, array.byteOffset, array.byteLength);

const textOf = (messages: readonly Message[]) =>
  JSON.stringify(messages.map(({ role, content, fields }) => [role, content, fields ?? null]));

/** Messages before the first answer. */
function opening(messages: readonly Message[]): readonly Message[] {
  const first = messages.findIndex(({ role }) => role === 'assistant');
  return first < 0 ? messages : messages.slice(0, first);
}

/** What a row says, and what it says before its first answer, as hashes: the same in every run. */
export const rowHashes = (messages: readonly Message[]) => ({
  id: hash64(textOf(messages)),
  conversation: hash64(textOf(opening(messages))),
});

/** Of token ids and mask. */
export const tokensHash = ({ ids, mask }: Pick<Conversation, 'ids' | 'mask'>) =>
  hash64(bytesOf(ids), bytesOf(mask)).toString('hex');

export const shownMessages = (messages: readonly Message[]): EvalRow['messages'] =>
  messages.map(({ role, content, fields }) => ({ role, content: content ?? JSON.stringify(fields ?? {}) }));

/** null where the loss counts more than the text of answers, or less: then a byte of text is no measure. */
export function answerBytes(messages: readonly Message[]): number | null {
  const answers = messages.filter(({ role }) => role === 'assistant');
  if (answers.some(({ content, fields, trained }) => content === null || fields || trained === false))
    return null;
  return answers.reduce((sum, { content }) => sum + Buffer.byteLength(content ?? ''), 0);
}

export interface StoredRow {
  messages: readonly Message[];
  /** As it went into the token store. */
  stored: Conversation;
  whole: Conversation;
  sourceRow: number;
}

/** Collects the rows of one split while its token store is written. */
export class RowRecord {
  readonly #hashes: Buffer[] = [];
  readonly #rows: EvalRow[] = [];
  readonly #split: 'train' | 'eval';

  constructor(split: 'train' | 'eval') {
    this.#split = split;
  }

  add({ messages, stored, whole, sourceRow }: StoredRow): void {
    const { id, conversation } = rowHashes(messages);
    this.#hashes.push(id, conversation);
    if (this.#split === 'train') return;
    const cut = stored.ids.length < whole.ids.length && lostAnswer(stored, whole);
    this.#rows.push({
      id: id.toString('hex'),
      conversation: conversation.toString('hex'),
      tokens_id: tokensHash(stored),
      source_row: sourceRow,
      tokens: stored.ids.length,
      answer_bytes: cut ? null : answerBytes(messages),
      messages: shownMessages(messages),
    });
  }

  /** Writes the files; none for a split without rows. */
  async write(dataDir: string): Promise<void> {
    if (this.#hashes.length === 0) return;
    await writeFile(join(dataDir, rowHashesFile(this.#split)), Buffer.concat(this.#hashes));
    if (this.#split === 'eval')
      await writeFile(
        join(dataDir, EVAL_ROWS_FILE),
        this.#rows.map((row) => `${JSON.stringify(row)}\n`).join(''),
      );
  }
}

type Tokens = Pick<Conversation, 'ids' | 'mask'>;
/** Whether a cut has taken part of an answer. */
export const lostAnswer = (stored: Tokens, whole: Tokens) => whole.mask.lastIndexOf(1) >= stored.ids.length;
