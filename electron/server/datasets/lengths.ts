/** Token counts of a dataset: kept per row without any truncation, so that every sequence length can be answered from them. */
import type { TokenStats, UnusableRows } from '../../shared/api/entities.ts';
import type { ChatTokenizer } from '../tokenize/chat-tokenizer.ts';
import { trainedTokens } from '../tokenize/conversation.ts';
import type { ConversationWarning } from '../tokenize/warnings.ts';
import type { TaskOptions } from './duckdb.ts';
import type { DatasetSource } from './folder.ts';
import { type RowFormat, tokenizeRows } from './tokenize-rows.ts';
import { UnusableTally } from './unusable.ts';

/** Per row of the dataset. */
export interface RowLengths {
  /** Tokens, untruncated. */
  tokens: Uint32Array;
  /** Tokens the loss counts, untruncated. */
  trained: Uint32Array;
  /** Position of the first token the loss counts; the length of the row when there is none. */
  firstTrained: Uint32Array;
  /** Position of the last token the loss counts: the end of the last answer. */
  lastTrained: Uint32Array;
  /** Rows per warning. */
  warnings: Partial<Record<ConversationWarning, number>>;
  /** 1: the row cannot be trained on; its lengths are 0. */
  left: Uint8Array;
  unusable: UnusableRows[];
}

export async function measureRows(
  source: DatasetSource,
  format: RowFormat,
  tokenizer: ChatTokenizer,
  options: TaskOptions = {},
): Promise<RowLengths> {
  const n = source.card.rows;
  const lengths: RowLengths = {
    tokens: new Uint32Array(n),
    trained: new Uint32Array(n),
    firstTrained: new Uint32Array(n),
    lastTrained: new Uint32Array(n),
    warnings: {},
    left: new Uint8Array(n),
    unusable: [],
  };
  const unusable = new UnusableTally();
  await tokenizeRows(
    source,
    format,
    tokenizer,
    (conversation, row) => {
      if (conversation === null) {
        lengths.left[row] = 1;
        return;
      }
      const { mask, warnings } = conversation;
      lengths.tokens[row] = mask.length;
      lengths.trained[row] = trainedTokens(mask);
      const first = mask.indexOf(1, 1); // the first token of a row is never a target
      lengths.firstTrained[row] = first < 0 ? mask.length : first;
      lengths.lastTrained[row] = Math.max(mask.lastIndexOf(1), 0);
      for (const warning of warnings) lengths.warnings[warning] = (lengths.warnings[warning] ?? 0) + 1;
    },
    unusable,
    options,
  );
  lengths.unusable = unusable.list();
  return lengths;
}

const BINS = 24;

function histogramOf(sorted: Uint32Array): TokenStats['histogram'] {
  const min = sorted[0] ?? 0;
  const max = sorted.at(-1) ?? 0;
  const width = Math.max(1, Math.ceil((max - min + 1) / BINS));
  const bins = Array.from({ length: Math.ceil((max - min + 1) / width) }, (_, k) => ({
    from: min + k * width,
    to: min + (k + 1) * width - 1,
    count: 0,
  }));
  for (const length of sorted) {
    const bin = bins[Math.floor((length - min) / width)];
    if (bin) bin.count += 1;
  }
  return bins;
}

/** Smallest length that at least this share of the rows does not exceed. */
const quantile = (sorted: Uint32Array, share: number) =>
  sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;

/** Statistics at a sequence length. Tokens, mean and histogram count whole rows, before anything is cut. */
export function tokenStats(lengths: RowLengths, seqLen: number): TokenStats {
  const { tokens, trained, firstTrained, lastTrained, left } = lengths;
  const sorted = tokens.filter((_, row) => left[row] === 0).sort();
  const total = sorted.reduce((sum, length) => sum + length, 0);
  const count = (test: (row: number) => boolean) =>
    tokens.reduce((n, _, row) => n + Number(left[row] === 0 && test(row)), 0);
  const at = (list: Uint32Array, row: number) => list[row] as number;
  return {
    rows: sorted.length,
    tokens: total,
    trainedTokens: trained.reduce((sum, n) => sum + n, 0),
    min: sorted[0] ?? 0,
    max: sorted.at(-1) ?? 0,
    mean: sorted.length === 0 ? 0 : total / sorted.length,
    p50: quantile(sorted, 0.5),
    p95: quantile(sorted, 0.95),
    tooLong: count((row) => at(tokens, row) > seqLen),
    allMasked: count((row) => at(trained, row) === 0 || at(firstTrained, row) >= seqLen),
    endCutOff: count((row) => at(tokens, row) > seqLen && at(lastTrained, row) >= seqLen),
    unusable: lengths.unusable,
    histogram: histogramOf(sorted),
  };
}

/** Remembers the measurements of the last few datasets; the key is everything they depend on. */
export class LengthCache {
  readonly #known = new Map<string, RowLengths>();
  readonly #pending = new Map<string, Promise<RowLengths>>();
  readonly #keep = 8;

  static key(source: DatasetSource, format: RowFormat, tokenizer: ChatTokenizer): string {
    const { card, rowsPath } = source;
    return JSON.stringify([
      rowsPath,
      card.importedAt,
      card.rows,
      format.mapping,
      format.systemPrompt,
      tokenizer.hash,
    ]);
  }

  get(source: DatasetSource, format: RowFormat, tokenizer: ChatTokenizer): RowLengths | null {
    return this.#known.get(LengthCache.key(source, format, tokenizer)) ?? null;
  }

  /**
   * Known measurements, or new ones. Several callers without a signal share one measurement; one with a signal has its
   * own, so that cancelling it disturbs nobody.
   */
  async measure(
    source: DatasetSource,
    format: RowFormat,
    tokenizer: ChatTokenizer,
    options: TaskOptions = {},
  ): Promise<RowLengths> {
    const key = LengthCache.key(source, format, tokenizer);
    const known = this.#known.get(key);
    if (known) return this.#keepKnown(key, known);
    if (options.signal) return this.#keepKnown(key, await measureRows(source, format, tokenizer, options));
    let pending = this.#pending.get(key);
    if (pending === undefined) {
      pending = measureRows(source, format, tokenizer, options).finally(() => this.#pending.delete(key));
      this.#pending.set(key, pending);
    }
    return this.#keepKnown(key, await pending);
  }

  #keepKnown(key: string, lengths: RowLengths): RowLengths {
    this.#known.delete(key);
    this.#known.set(key, lengths);
    if (this.#known.size > this.#keep) this.#known.delete(this.#known.keys().next().value as string);
    return lengths;
  }
}
