/** What a run will really do, before it starts: rows, steps, memory, and what to know about the data. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ModelCard, RunPreview, TokenStats } from '../../shared/entities.ts';
import { type CollieError, toErrorInfo } from '../../shared/errors.ts';
import { type RunSpec, type SpecIssue, sequencesPerStep } from '../../shared/run-spec.ts';
import { type RowLengths, tokenStats } from '../datasets/lengths.ts';
import type { DatasetSource } from '../datasets/library.ts';
import { splitEvaluation, splitRows } from '../datasets/split.ts';
import { type ConversationWarning, warningTexts } from '../tokenize/conversation.ts';
import type { ModelTokenizer } from '../tokenize/tokenizer.ts';
import type { Findings, SpecContext } from './context.ts';
import { exactSteps, type Steps, stepsFromRows, trainLengths } from './steps.ts';

/** Datasets of at most this many rows are tokenized for the preview. */
const CHEAP_ROWS = 20_000;
/** A forecast above this share of the available memory is tight. */
const TIGHT = 0.85;

/** How long a caller waits for token counts; they are counted on in the background and known the next time. */
export type Patience = { milliseconds: number } | 'until_known';

export interface Previewed {
  preview: RunPreview;
  findings: Findings;
}

interface Subject {
  spec: RunSpec;
  model: { path: string; card: ModelCard };
  tokenizer: ModelTokenizer;
  train: DatasetSource;
  eval: DatasetSource | null;
}

async function lengthsOf(
  subject: Subject,
  context: SpecContext,
  patience: Patience,
): Promise<RowLengths | null> {
  const { spec, train, tokenizer } = subject;
  const format = { mapping: spec.dataset.mapping, systemPrompt: spec.dataset.system_prompt };
  const known = context.lengths.get(train, format, tokenizer);
  if (known !== null) return known;
  if (train.card.rows > CHEAP_ROWS && patience !== 'until_known') return null;
  const counted = context.lengths.measure(train, format, tokenizer);
  if (patience === 'until_known') return counted;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), patience.milliseconds);
  });
  counted.catch(() => {}); // told to the next who asks, if nobody waits any more
  return Promise.race([counted, late]).finally(() => clearTimeout(timer));
}

/**
 * The spec as the memory forecast should see it: a micro-batch is never larger than its rows, so when the longest row is
 * known and shorter than the sequence length, that is what counts.
 */
function forMemory(subject: Subject, lengths: RowLengths | null): RunSpec {
  const { spec } = subject;
  if (lengths === null || spec.batch.packing || subject.eval !== null) return spec;
  const longest = lengths.tokens.reduce((most, tokens) => Math.max(most, tokens), 8);
  return { ...spec, batch: { ...spec.batch, seq_len: Math.min(spec.batch.seq_len, longest) } };
}

async function memoryOf(
  { model }: Subject,
  spec: RunSpec,
  context: SpecContext,
): Promise<[RunPreview['memory'], Counts]> {
  const config = await readFile(join(model.path, 'config.json'), 'utf8');
  const forecast = context.planner.planMemory(config, JSON.stringify(spec));
  const { totalParams, trainableParams, adapterBytes, ...memory } = forecast;
  const availableBytes = availableMemory(spec, context);
  const verdict =
    memory.totalBytes > availableBytes
      ? 'does_not_fit'
      : memory.totalBytes > TIGHT * availableBytes
        ? 'tight'
        : 'fits';
  return [
    { ...memory, availableBytes, verdict },
    { totalParams, trainableParams, adapterBytes },
  ];
}

type Counts = Pick<RunPreview, 'totalParams' | 'trainableParams' | 'adapterBytes'>;

function availableMemory(spec: RunSpec, context: SpecContext): number {
  if (spec.device === 'cpu') return context.freeMemoryBytes();
  return context.planner.devices().find(({ kind }) => kind === 'cuda')?.memoryTotalBytes ?? 0;
}

const percent = (part: number, whole: number) =>
  `${((100 * part) / whole).toFixed(part / whole < 0.01 ? 2 : 1)}%`;
const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(bytes < 2 ** 30 ? 2 : 1)} GiB`;
const count = (n: number, word: string) => `${n.toLocaleString('en')} ${word}${n === 1 ? '' : 's'}`;

function summarize(subject: Subject, preview: Omit<RunPreview, 'summary' | 'warnings'>): string[] {
  const { spec, model, train } = subject;
  const { batch, schedule, optimizer } = spec;
  const what =
    spec.method.type === 'lora'
      ? `trains LoRA adapters of rank ${spec.method.rank}: ${preview.trainableParams.toLocaleString('en')} of ${preview.totalParams.toLocaleString('en')} parameters (${percent(preview.trainableParams, preview.totalParams)})`
      : `trains all ${preview.totalParams.toLocaleString('en')} parameters`;
  const rows = `${count(preview.trainRows, 'row')} of "${train.card.name}"`;
  const held =
    preview.evalRows > 0
      ? `${count(preview.evalRows, 'held-out row')} ${preview.evalRows === 1 ? 'is' : 'are'} evaluated ${spec.evaluation.every_steps > 0 ? `every ${spec.evaluation.every_steps} steps` : 'at the start and the end'}.`
      : 'Nothing is evaluated.';
  const packed = batch.packing ? 'sequences, each filled with several rows,' : 'rows';
  const step = `A step takes ${preview.sequencesPerStep} ${packed} of at most ${batch.seq_len} tokens (${batch.micro_batch_size} at once, ${batch.grad_accum_steps} times).`;
  const warmup =
    preview.totalSteps === null ? null : Math.ceil(schedule.warmup_ratio * preview.totalSteps - 1e-9);
  const rate = `The learning rate rises to ${optimizer.learning_rate}${warmup === null ? '' : ` over ${count(warmup, 'step')}`}, then ${schedule.type === 'constant' ? 'stays' : `falls (${schedule.type}) to ${schedule.min_lr_ratio === 0 ? '0' : `${schedule.min_lr_ratio} of that`}`}.`;
  return [
    `${model.card.name} ${what}, in ${spec.precision} on the ${spec.device === 'cpu' ? 'CPU' : 'GPU'}.`,
    preview.totalSteps === null
      ? `It reads ${rows}; how many steps that is depends on their lengths, which are counted when the run starts.`
      : `It reads ${rows} in ${count(preview.totalSteps, 'step')} (${count(preview.stepsPerEpoch ?? 0, 'step')} an epoch).`,
    step,
    rate,
    held,
    spec.checkpoint.every_steps > 0
      ? `A checkpoint is saved every ${spec.checkpoint.every_steps} steps; the last ${spec.checkpoint.keep} are kept.`
      : 'A checkpoint is saved at the end, and when you stop the run.',
    `It needs about ${gib(preview.memory.totalBytes)} of memory; ${gib(preview.memory.availableBytes)} are free.`,
  ];
}

/** Sentences about the rows, and the issue of a sequence length that leaves nothing to train on. */
function dataFindings(stats: TokenStats, lengths: RowLengths, spec: RunSpec): Findings {
  const { seq_len } = spec.batch;
  const of = (n: number) => `${n.toLocaleString('en')} of ${count(stats.rows, 'row')}`;
  const findings: Findings = { issues: [], warnings: [] };
  const warn = (path: string, message: string, suggestion = '') =>
    findings.warnings.push({ path, code: 'data', message, suggestion });
  const drop = spec.dataset.too_long === 'drop';
  if (stats.allMasked === stats.rows || (drop && stats.tooLong === stats.rows)) {
    const reason =
      drop && stats.tooLong === stats.rows ? 'are longer and dropped' : 'have no answer token within it';
    findings.issues.push({
      path: 'batch.seq_len',
      code: 'dataset.all_masked',
      message: `Nothing is left to train on: at a sequence length of ${seq_len} tokens, all ${stats.rows} rows ${reason}. They have ${stats.min} to ${stats.max} tokens.`,
      received: seq_len,
      suggestion: `Raise it; ${stats.p95} would fit 95% of the rows.`,
    });
    return findings;
  }
  if (stats.tooLong > 0) {
    const fate = drop ? 'are dropped' : 'are truncated';
    warn(
      'batch.seq_len',
      `${of(stats.tooLong)} are longer than ${seq_len} tokens and ${fate}; the longest has ${stats.max}.`,
    );
  }
  if (!drop && stats.endCutOff > 0)
    warn(
      'batch.seq_len',
      `${of(stats.endCutOff)} lose the end of their answer: the model does not learn from them where to stop.`,
    );
  if (stats.allMasked > 0)
    warn('dataset.train', `${of(stats.allMasked)} have no token to train on and are left out.`);
  for (const [warning, n] of Object.entries(lengths.warnings))
    warn('dataset.train', `${of(n)}: ${warningTexts[warning as ConversationWarning]}`);
  return findings;
}

function rowCounts(subject: Subject, lengths: RowLengths | null) {
  const { spec, train } = subject;
  const { eval_fraction } = spec.dataset;
  const { max_rows } = spec.evaluation;
  const split = splitRows(train.card.rows, subject.eval === null ? eval_fraction : 0, spec.seed, max_rows);
  const own = subject.eval === null ? split : splitEvaluation(subject.eval.card.rows, spec.seed, max_rows);
  const evalRows = own.evaluated.reduce((sum, bit) => sum + bit, 0);
  const documents = lengths === null ? null : trainLengths(lengths, split, spec);
  const trainRows = documents?.length ?? train.card.rows - split.heldOut.reduce((sum, bit) => sum + bit, 0);
  return { documents, trainRows, evalRows };
}

/**
 * Forecast of a resolved spec. Token counts are exact when they are known in time, else rows are counted. Rows that
 * cannot be used are issues. Throws engine.not_built and what the planner throws.
 */
export async function previewSpec(
  subject: Subject,
  context: SpecContext,
  patience: Patience,
): Promise<Previewed> {
  const { spec, model } = subject;
  const findings: Findings = { issues: [], warnings: [] };
  let lengths: RowLengths | null = null;
  try {
    lengths = await lengthsOf(subject, context, patience);
  } catch (thrown) {
    const { code, message, hint } = toErrorInfo(thrown as CollieError);
    const path = code.startsWith('model.') ? 'model' : 'dataset.train';
    const received = path === 'model' ? spec.model : spec.dataset.train;
    findings.issues.push({ path, code, message, received, suggestion: hint });
  }
  if (lengths !== null) {
    const data = dataFindings(tokenStats(lengths, spec.batch.seq_len), lengths, spec);
    findings.issues.push(...data.issues);
    findings.warnings.push(...data.warnings);
  }
  const { documents, trainRows, evalRows } = rowCounts(subject, lengths);
  const steps: Steps | null =
    documents === null || documents.length === 0
      ? stepsFromRows(trainRows, spec)
      : exactSteps(documents, spec, context.planner);
  const [memory, counts] = await memoryOf(subject, forMemory(subject, lengths), context);
  if (memory.verdict !== 'fits') findings.warnings.push(memoryWarning(memory));
  const preview = {
    modelName: model.card.name,
    trainRows,
    evalRows,
    stepsPerEpoch: steps?.perEpoch ?? null,
    totalSteps: steps?.total ?? null,
    sequencesPerStep: sequencesPerStep(spec.batch),
    ...counts,
    memory,
  };
  return { preview: { ...preview, summary: summarize(subject, preview), warnings: [] }, findings };
}

function memoryWarning({ totalBytes, availableBytes, verdict }: RunPreview['memory']): SpecIssue {
  const need = `The run needs about ${gib(totalBytes)} of memory, ${gib(availableBytes)} are free`;
  return {
    path: 'batch.micro_batch_size',
    code: 'memory.insufficient',
    message: verdict === 'tight' ? `${need}: it is tight.` : `${need}: it does not fit.`,
    received: totalBytes,
    suggestion:
      'Lower batch.micro_batch_size or batch.seq_len, turn on activation_checkpointing, or close other programs.',
  };
}
