/**
 * Text -> token store, the first phase of a run: data/train.*, data/eval.*, data/set-*, which runs share (shared-data.ts), then what is its own
 * (own-data.ts) and, last, meta.json. A folder with meta.json is complete; anything less is written again from the start.
 */
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { UnusableRows } from '../../shared/api/entities.ts';
import { CollieError } from '../../shared/errors.ts';
import type { RunSpec } from '../../shared/spec/run-spec.ts';
import { type NativeAddon, native, nativeAddon, type TokenStoreWriter } from '../native/addon.ts';
import { loadTokenizer } from '../tokenize/apart-tokenizer.ts';
import type { ChatTokenizer } from '../tokenize/chat-tokenizer.ts';
import { type Conversation, trainedTokens, truncateConversation } from '../tokenize/conversation.ts';
import type { Message } from '../tokenize/template.ts';
import { openDatasetFile } from './file-cache.ts';
import type { DatasetSource } from './folder.ts';
import { writeOwnData } from './own-data.ts';
import { prepareSets, type SetTally } from './prepare-sets.ts';
import { RowRecord } from './row-record.ts';
import { SPLIT_SEED, type Split, splitEvaluation, splitRows } from './split.ts';
import { newTally, type SplitTally, tallyWarnings } from './tally.ts';
import { type OnConversation, type RowFormat, tokenizeRows } from './tokenize-rows.ts';
import { UnusableTally } from './unusable.ts';
import { unusedSentences } from './unused.ts';

/** data/meta.json. */
export interface DataMeta {
  v: 1;
  tokenizer: string;
  /** SHA-256 of tokenizer.json, and of the chat template's text. */
  vocabulary: string;
  template: string;
  train: SplitTally;
  /** null: nothing is evaluated. */
  eval: SplitTally | null;
  /** Of the named evaluation sets. Data made before there were any has none. */
  sets?: SetTally[];
  warnings: string[];
  /** Of the tokens. */
  createdAt: string;
  /** The run whose tokens these are; null or left out: its own. */
  tokensOf?: string | null;
}

/** The one thing needed of the addon. */
export type StoreFactory = Pick<NativeAddon, 'tokenStoreWriter'>;

/** The addon's writer; its errors arrive as CollieErrors. Throws engine.not_built before anything is read. */
export function nativeStore(): StoreFactory {
  const addon = nativeAddon();
  return {
    tokenStoreWriter: (dataDir, split) => {
      const writer = native(() => addon.tokenStoreWriter(dataDir, split));
      return {
        append: (ids, mask, weights) => native(() => writer.append(ids, mask, weights)),
        finish: () => native(() => writer.finish()),
      };
    },
  };
}

/** Writes one split: cuts, drops and counts. The store begins with the first document, so an empty split leaves no files. */
class SplitWriter {
  readonly tally = newTally();
  readonly record: RowRecord;
  readonly #open: () => TokenStoreWriter;
  readonly #seqLen: number;
  readonly #tooLong: RunSpec['dataset']['too_long'];
  #store: TokenStoreWriter | null = null;

  constructor(split: 'train' | 'eval', open: () => TokenStoreWriter, spec: RunSpec) {
    this.record = new RowRecord(split);
    this.#open = open;
    this.#seqLen = spec.batch.seq_len;
    this.#tooLong = spec.dataset.too_long;
  }

  /** @param whole null: the row cannot be trained on. */
  add(whole: Conversation | null, sourceRow: number, messages: () => readonly Message[]): void {
    const { tally } = this;
    tally.rows += 1;
    if (whole === null) return;
    for (const warning of whole.warnings) tally.warnings[warning] = (tally.warnings[warning] ?? 0) + 1;
    const long = whole.length > this.#seqLen;
    if (long) tally.tooLong += 1;
    if (long && this.#tooLong === 'drop') {
      tally.dropped += 1;
      return;
    }
    const cut = truncateConversation(whole, this.#seqLen);
    const trained = trainedTokens(cut.mask);
    if (trained === 0) {
      tally.masked += 1;
      if (trainedTokens(whole.mask) > 0) tally.maskedByTruncation += 1;
      return;
    }
    this.#store ??= this.#open();
    this.#store.append(cut.ids, cut.mask, cut.weights);
    this.record.add({ messages: messages(), stored: cut, whole, sourceRow });
    tally.documents += 1;
    tally.tokens += cut.ids.length;
    tally.trainedTokens += trained;
    tally.lostTokens += whole.length - cut.ids.length;
    if (cut.endCutOff) tally.endCutOff += 1;
  }

  finish(): void {
    this.#store?.finish();
  }
}

/** Why a training split came out empty. */
function nothingToTrain(source: DatasetSource, tally: SplitTally, spec: RunSpec): CollieError {
  const name = source.card.name;
  const seqLen = spec.batch.seq_len;
  const data = { rows: tally.rows, tooLong: tally.tooLong, masked: tally.masked, seqLen };
  if (tally.rows === 0)
    return new CollieError(
      'dataset.empty',
      `The dataset "${name}" has no rows to train on.`,
      'Choose one with rows.',
      data,
    );
  if (tally.dropped + tally.maskedByTruncation === tally.rows) {
    const fate =
      spec.dataset.too_long === 'drop'
        ? 'are longer, and such rows are dropped'
        : 'have their answer behind it';
    return new CollieError(
      'dataset.all_masked',
      `Nothing is left to train on: the sequence length is ${seqLen} tokens, and all ${tally.rows} rows of "${name}" ${fate}.`,
      'Raise batch.seq_len until prompt and answer fit. The token histogram of the dataset shows how long rows are.',
      data,
    );
  }
  return new CollieError(
    'dataset.all_masked',
    `Nothing is left to train on: of ${tally.rows} rows of "${name}", ${tally.dropped} are longer than ${seqLen} tokens and dropped, ${tally.maskedByTruncation} lose every answer at ${seqLen} tokens, and ${tally.masked - tally.maskedByTruncation} have none.`,
    'Check the mapping of the columns, and raise batch.seq_len if rows are cut.',
    data,
  );
}

interface Job {
  spec: RunSpec;
  tokenizer: ChatTokenizer;
  dataDir: string;
  store: StoreFactory;
  signal: AbortSignal | undefined;
}

async function writeSplit(
  job: Job,
  source: DatasetSource,
  writerOf: (row: number) => SplitWriter | null,
  onProgress: (fraction: number) => void,
): Promise<UnusableRows[]> {
  const { spec, tokenizer, signal } = job;
  const format: RowFormat = { mapping: spec.dataset.mapping, systemPrompt: spec.dataset.system_prompt };
  const unusable = new UnusableTally();
  const take: OnConversation = (one, row, messages) => writerOf(row)?.add(one, row, messages);
  await tokenizeRows(source, format, tokenizer, take, unusable, { signal, onProgress });
  if (unusable.count > 0 && spec.dataset.unusable_rows === 'refuse') throw unusable.error(source.card.rows);
  return unusable.list();
}

/** Both splits, in one pass over each file. */
async function writeStores(
  job: Job,
  train: DatasetSource,
  evaluation: DatasetSource | null,
  onProgress: (fraction: number) => void,
): Promise<{ train: SplitTally; eval: SplitTally | null }> {
  const { spec, dataDir, store } = job;
  const open = (split: string) => () => store.tokenStoreWriter(dataDir, split);
  const trainWriter = new SplitWriter('train', open('train'), spec);
  const evalWriter = new SplitWriter('eval', open('eval'), spec);
  const { eval_fraction } = spec.dataset;
  const { max_rows } = spec.evaluation;
  const share = train.card.rows / (train.card.rows + (evaluation?.card.rows ?? 0));
  const pick = (split: Split) => (row: number) =>
    split.evaluated[row] ? evalWriter : split.heldOut[row] ? null : trainWriter;

  const split = splitRows(train.card.rows, evaluation === null ? eval_fraction : 0, SPLIT_SEED, max_rows);
  trainWriter.tally.unusable = await writeSplit(job, train, pick(split), (done) => onProgress(done * share));
  if (evaluation !== null) {
    const chosen = splitEvaluation(evaluation.card.rows, SPLIT_SEED, max_rows);
    evalWriter.tally.unusable = await writeSplit(job, evaluation, pick(chosen), (done) =>
      onProgress(share + done * (1 - share)),
    );
  }
  if (trainWriter.tally.documents === 0) throw nothingToTrain(train, trainWriter.tally, spec);
  for (const writer of [trainWriter, evalWriter]) {
    writer.finish();
    await writer.record.write(dataDir);
  }
  return { train: trainWriter.tally, eval: evalWriter.tally.documents > 0 ? evalWriter.tally : null };
}

export interface PrepareOptions {
  /** Gets 0..1. */
  onProgress?: (fraction: number) => void;
  signal?: AbortSignal | undefined;
  /** Who writes the token store; left out: the native addon. */
  store?: StoreFactory;
}

/**
 * Writes the tokens of a run into a folder that is there: both splits and the named sets. Throws engine.not_built, the dataset.* errors, disk.full,
 * job.cancelled.
 */
export async function prepareTokens(
  { spec, tokenizer, dataDir }: Pick<Job, 'spec' | 'tokenizer' | 'dataDir'>,
  { onProgress = () => {}, signal, store = nativeStore() }: PrepareOptions = {},
): Promise<DataMeta> {
  const cache = join(dataDir, 'import');
  const job: Job = { spec, tokenizer, dataDir, store, signal };
  try {
    const open = (reference: string) => openDatasetFile(reference, cache, { signal });
    const train = await open(spec.dataset.train);
    const evaluation = spec.dataset.eval === null ? null : await open(spec.dataset.eval);
    const tallies = await writeStores(job, train, evaluation, onProgress);
    const sets = await prepareSets({ ...job, open });
    const warnings = [
      ...unusedSentences(train.card, spec.dataset.mapping),
      ...train.card.notes.map((note) => `"${train.card.name}": ${note}`),
      ...tallyWarnings(tallies.train, 'training', spec.batch.seq_len),
    ];
    if (tallies.eval) warnings.push(...tallyWarnings(tallies.eval, 'evaluation', spec.batch.seq_len));
    else if (evaluation !== null || spec.dataset.eval_fraction > 0)
      warnings.push('No held-out row is left to evaluate on, so there is no evaluation loss.');
    for (const set of sets) warnings.push(...set.warnings);
    const createdAt = new Date().toISOString();
    const { hash, vocabularyHash: vocabulary, templateHash: template } = tokenizer;
    return { v: 1, tokenizer: hash, vocabulary, template, ...tallies, sets, warnings, createdAt };
  } finally {
    await rm(cache, { recursive: true, force: true });
  }
}

/**
 * Fills a data folder that shares nothing with others.
 * @param spec resolved: paths are absolute.
 * @param onProgress gets 0..1.
 * Throws model.no_tokenizer and what prepareTokens throws; then meta.json is missing.
 */
export async function prepareDataset(
  spec: RunSpec,
  modelFolder: string,
  dataDir: string,
  onProgress: (fraction: number) => void = () => {},
  signal?: AbortSignal,
  store?: StoreFactory,
): Promise<DataMeta> {
  await mkdir(dataDir, { recursive: true });
  const tokenizer = await loadTokenizer(modelFolder);
  const own = { spec, tokenizer, dataDir };
  const meta = await prepareTokens(own, { onProgress, signal, ...(store ? { store } : {}) });
  await writeOwnData(own, meta);
  return meta;
}
