/** Counts of what happens to rows on their way into a token store, and the sentences that say so. */
import type { UnusableRows } from '../../shared/api/entities.ts';
import { unusableSentences } from '../../shared/api/unusable-rows.ts';
import { type ConversationWarning, warningText } from '../tokenize/warnings.ts';

/** What became of the rows of one split. */
export interface SplitTally {
  /** Rows of the dataset in this split. */
  rows: number;
  /** Rows in the token store. */
  documents: number;
  tokens: number;
  trainedTokens: number;
  /** Rows longer than the sequence length. */
  tooLong: number;
  /** Rows left out for being too long (too_long = drop). */
  dropped: number;
  /** Rows left out because no token of them counts in the loss. */
  masked: number;
  /** Of those: rows that lost every answer to truncation. */
  maskedByTruncation: number;
  /** Rows in the store that lost the end of their last answer. */
  endCutOff: number;
  /** Tokens cut off. */
  lostTokens: number;
  /** Rows left out because they cannot be trained on, by reason. */
  unusable: UnusableRows[];
  warnings: Partial<Record<ConversationWarning, number>>;
}

export const newTally = (): SplitTally => ({
  rows: 0,
  documents: 0,
  tokens: 0,
  trainedTokens: 0,
  tooLong: 0,
  dropped: 0,
  masked: 0,
  maskedByTruncation: 0,
  endCutOff: 0,
  lostTokens: 0,
  unusable: [],
  warnings: {},
});

const of = (n: number, rows: number) => `${n} of ${rows}`;

/** Sentences about one split; `name` is e.g. "training" or "evaluation". */
export function tallyWarnings(tally: SplitTally, name: string, seqLen: number): string[] {
  const { rows, tooLong, dropped, masked, maskedByTruncation, endCutOff, lostTokens } = tally;
  const sentences: string[] = unusableSentences(tally.unusable, rows).map(
    (sentence) => `${name} data: ${sentence.replace(/\.$/, '')}; they were left out.`,
  );
  if (dropped > 0)
    sentences.push(`${of(dropped, rows)} ${name} rows are longer than ${seqLen} tokens and were left out.`);
  if (tooLong > dropped) {
    sentences.push(
      `${of(tooLong - dropped, rows)} ${name} rows are longer than ${seqLen} tokens and were truncated; ${lostTokens} tokens were cut off.`,
    );
  }
  if (endCutOff > 0) {
    sentences.push(
      `${of(endCutOff, rows)} ${name} rows lost the end of their answer: the model does not learn from them where to stop.`,
    );
  }
  if (masked > 0) {
    const cut =
      maskedByTruncation > 0 ? ` (${maskedByTruncation} because truncation removed every answer)` : '';
    sentences.push(`${of(masked, rows)} ${name} rows have no token to train on${cut} and were left out.`);
  }
  for (const [warning, count] of Object.entries(tally.warnings))
    sentences.push(`${of(count ?? 0, rows)} ${name} rows: ${warningText(warning as ConversationWarning)}`);
  return sentences;
}
