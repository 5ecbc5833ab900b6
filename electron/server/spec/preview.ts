/** What a run will really do, before it starts: rows, steps, memory, and what to know about the data. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Device, LayoutForecast, ModelCard, RunPreview } from '../../shared/api/entities.ts';
import { type CollieError, toErrorInfo } from '../../shared/errors.ts';
import { recommendedRate } from '../../shared/spec/learning-rates.ts';
import { methodInSentence, optimizerTitle, whatIsTrained } from '../../shared/spec/method-traits.ts';
import { globalBatch, type RunSpec, type SpecIssue } from '../../shared/spec/run-spec.ts';
import type { DatasetSource } from '../datasets/folder.ts';
import { type RowLengths, tokenStats } from '../datasets/lengths.ts';
import { SPLIT_SEED, splitEvaluation, splitRows } from '../datasets/split.ts';
import type { ChatTokenizer } from '../tokenize/chat-tokenizer.ts';
import type { Findings, SpecContext } from './context.ts';
import { count, dataFindings, unusableFindings } from './data-findings.ts';
import { forecastLayout } from './layouts.ts';
import { runTime } from './run-time.ts';
import { exactSteps, type Steps, stepsFromRows, trainLengths } from './steps.ts';

/** Datasets of at most this many rows are tokenized for the preview. */
const CHEAP_ROWS = 20_000;
/** How long a caller waits for token counts; they are counted on in the background and known the next time. */
export type WaitForLengths = { milliseconds: number } | 'until_known';

export interface Previewed {
  preview: RunPreview;
  findings: Findings;
}

interface Subject {
  spec: RunSpec;
  model: { path: string; card: ModelCard };
  tokenizer: ChatTokenizer;
  train: DatasetSource;
  eval: DatasetSource | null;
}

/** Token counts of one file, or null when they are not known in time. */
async function measure(
  { spec, tokenizer }: Subject,
  source: DatasetSource,
  context: SpecContext,
  wait: WaitForLengths,
): Promise<RowLengths | null> {
  const format = { mapping: spec.dataset.mapping, systemPrompt: spec.dataset.system_prompt };
  const known = context.lengths.get(source, format, tokenizer);
  if (known !== null) return known;
  if (source.card.rows > CHEAP_ROWS && wait !== 'until_known') return null;
  const counted = context.lengths.measure(source, format, tokenizer);
  if (wait === 'until_known') return counted;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), wait.milliseconds);
  });
  counted.catch(() => {}); // told to the next who asks, if nobody waits any more
  return Promise.race([counted, late]).finally(() => clearTimeout(timer));
}

/** As measure; rows that cannot be used become an issue of the field that names the file. */
async function measured(
  subject: Subject,
  field: 'train' | 'eval',
  context: SpecContext,
  wait: WaitForLengths,
  findings: Findings,
): Promise<RowLengths | null> {
  const source = subject[field];
  if (source === null) return null;
  try {
    return await measure(subject, source, context, wait);
  } catch (thrown) {
    const { code, message, hint } = toErrorInfo(thrown as CollieError);
    const ofModel = code.startsWith('model.');
    const received = ofModel ? subject.spec.model : subject.spec.dataset[field];
    const path = ofModel ? 'model' : `dataset.${field}`;
    findings.issues.push({ path, code, message, received, suggestion: hint });
    return null;
  }
}

/**
 * The spec as the memory forecast should see it: a micro-batch is never larger than its rows, so when the longest row is
 * known and shorter than the sequence length, that is what counts.
 */
function forMemory({ spec }: Subject, known: readonly (RowLengths | null)[]): RunSpec {
  if (spec.batch.packing || known.includes(null)) return spec;
  const tokens = known.flatMap((lengths) => (lengths === null ? [] : [lengths.tokens]));
  const longest = tokens.reduce((most, list) => list.reduce((top, n) => Math.max(top, n), most), 8);
  return { ...spec, batch: { ...spec.batch, seq_len: Math.min(spec.batch.seq_len, longest) } };
}

/** The same of a spec whose data may have to be counted first, for as long as somebody waits; rows that cannot be used are told elsewhere. */
export async function specForMemory(
  subject: Subject,
  context: SpecContext,
  wait: WaitForLengths,
): Promise<RunSpec> {
  const untold: Findings = { issues: [], warnings: [] };
  const train = await measured(subject, 'train', context, wait, untold);
  const own = await measured(subject, 'eval', context, wait, untold);
  return forMemory(subject, subject.eval === null ? [train] : [train, own]);
}

/** The parts of the memory on the fullest device: of its one rank, or of all ranks that share the CPU. */
function deviceMemory(
  { ranks, deviceBytes, availableBytes, verdict }: LayoutForecast,
  device: RunSpec['device'],
) {
  const heaviest = ranks.reduce((top, one) => (one.memory.totalBytes > top.memory.totalBytes ? one : top));
  const there = device === 'cuda' ? [heaviest] : ranks;
  const whole = there.reduce((sum, { memory }) => sum + memory.totalBytes, 0);
  const part = (key: keyof LayoutForecast['ranks'][number]['memory']) =>
    Math.round((deviceBytes / whole) * there.reduce((sum, { memory }) => sum + memory[key], 0));
  return {
    weightsBytes: part('weightsBytes'),
    gradientsBytes: part('gradientsBytes'),
    optimizerBytes: part('optimizerBytes'),
    activationsBytes: part('activationsBytes'),
    totalBytes: Math.round(deviceBytes),
    availableBytes,
    verdict,
  };
}

type Forecast = Pick<RunPreview, 'memory' | 'layout' | 'totalParams' | 'trainableParams' | 'adapterBytes'>;

/** Time from the real lengths of the rows; with packing, or while they are not counted, sequences are full. */
async function timeOf(
  { spec, model }: Subject,
  documents: Uint32Array | null,
  counts: { totalSteps: number | null; evalRows: number },
  context: SpecContext,
): Promise<RunPreview['time']> {
  const configJson = await readFile(join(model.path, 'config.json'), 'utf8');
  const full = spec.batch.packing || documents === null || documents.length === 0;
  const tokensPerSequence = full
    ? spec.batch.seq_len
    : documents.reduce((sum, tokens) => sum + tokens, 0) / documents.length;
  const modelled = (config: string, of: RunSpec) => {
    const devices = of.device === 'cpu' ? cpuOf(context) : context.planner.devices();
    return forecastLayout(config, of, { ...context, devices }).time.totalSeconds;
  };
  return runTime({ spec, configJson, tokensPerSequence, ...counts }, context.measuredRuns(), modelled);
}

async function forecastOf({ model }: Subject, spec: RunSpec, context: SpecContext): Promise<Forecast> {
  const config = await readFile(join(model.path, 'config.json'), 'utf8');
  const { totalParams, trainableParams, adapterBytes } = context.planner.planMemory(
    config,
    JSON.stringify(spec),
  );
  const devices = spec.device === 'cpu' ? cpuOf(context) : context.planner.devices();
  const layout = forecastLayout(config, spec, { ...context, devices });
  return { memory: deviceMemory(layout, spec.device), layout, totalParams, trainableParams, adapterBytes };
}

/** The devices, where the system tells: the forecast of a CPU's memory needs none. */
function cpuOf(context: SpecContext): Device[] {
  try {
    return context.planner.devices();
  } catch {
    return [];
  }
}

const percent = (part: number, whole: number) =>
  `${((100 * part) / whole).toFixed(part / whole < 0.01 ? 2 : 1)}%`;
const gib = (bytes: number) => `${(bytes / 2 ** 30).toFixed(bytes < 2 ** 30 ? 2 : 1)} GiB`;

function summarize(subject: Subject, preview: Omit<RunPreview, 'summary' | 'warnings'>): string[] {
  const { spec, model, train } = subject;
  const { batch, schedule, optimizer } = spec;
  const trained = preview.trainableParams.toLocaleString('en');
  const all = preview.totalParams.toLocaleString('en');
  const what = `trains ${whatIsTrained(spec.method)}: ${trained} parameters, ${percent(preview.trainableParams, preview.totalParams)} of the ${all} of the model`;
  const rows = `${count(preview.trainRows, 'row')} of "${train.card.name}"`;
  const held =
    preview.evalRows > 0
      ? `${count(preview.evalRows, 'held-out row')} ${preview.evalRows === 1 ? 'is' : 'are'} evaluated ${spec.evaluation.every_steps > 0 ? `every ${spec.evaluation.every_steps} steps` : 'at the start and the end'}.`
      : 'Nothing is evaluated.';
  const packed = batch.packing ? 'sequences, each filled with several rows,' : 'rows';
  const { sequences, tokens } = preview.globalBatch;
  const step = `A step takes ${sequences.toLocaleString('en')} ${packed} of at most ${batch.seq_len} tokens, together at most ${tokens.toLocaleString('en')} (${factors(spec)}).`;
  const warmup =
    preview.totalSteps === null ? null : Math.ceil(schedule.warmup_ratio * preview.totalSteps - 1e-9);
  const usual = optimizer.learning_rate === recommendedRate(spec.method.type, optimizer.type);
  const rate = `The learning rate rises to ${optimizer.learning_rate}${usual ? `, the recommended one for ${methodInSentence(spec.method.type)} with ${optimizerTitle(optimizer.type)}` : ''}${warmup === null ? '' : `${usual ? ',' : ''} over ${count(warmup, 'step')}`}, then ${schedule.type === 'constant' ? 'stays' : `falls (${schedule.type}) to ${schedule.min_lr_ratio === 0 ? '0' : `${schedule.min_lr_ratio} of that`}`}.`;
  return [
    `${model.card.name} ${what}, in ${spec.precision}${spec.quantization === 'nf4' ? ' with 4-bit base weights' : ''} on the ${spec.device === 'cpu' ? 'CPU' : 'GPU'}.`,
    preview.totalSteps === null
      ? `It reads ${rows}; how many steps that is depends on their lengths, which are counted when the run starts.`
      : `It reads ${rows} in ${count(preview.totalSteps, 'step')} (${count(preview.stepsPerEpoch ?? 0, 'step')} an epoch).`,
    step,
    rate,
    held,
    spec.checkpoint.every_steps > 0
      ? `A checkpoint is saved every ${spec.checkpoint.every_steps} steps; the last ${spec.checkpoint.keep} are kept.`
      : 'A checkpoint is saved at the end, and when you stop the run.',
    ...layoutSentences(spec, preview.layout),
    memorySentence(preview.memory, preview.layout),
    ...(preview.adapterBytes > 0 ? [`The adapter takes ${mib(preview.adapterBytes)} on disk.`] : []),
  ];
}

/** How the global batch comes about: "4 at once x 2 accumulated x 2 data-parallel ranks". */
const factors = ({ batch, parallel }: RunSpec) =>
  `${batch.micro_batch_size} at once x ${batch.grad_accum_steps} accumulated${parallel.dp_size > 1 ? ` x ${parallel.dp_size} data-parallel ranks` : ''}`;

const mib = (bytes: number) => `${(bytes / 2 ** 20).toFixed(bytes < 2 ** 20 ? 3 : 1)} MiB`;

/** One rank needs no words. */
function layoutSentences({ parallel, batch }: RunSpec, { worldSize, ranks }: LayoutForecast): string[] {
  if (worldSize === 1) return [];
  const { dp_size: dp, tp_size: tp, pp_size: pp, zero_stage: zero, sequence_parallel: sequence } = parallel;
  const layers = [...new Set(ranks.map((rank) => rank.layers))].sort((a, b) => a - b).join(' or ');
  const parts = [
    ...(dp > 1
      ? [`${dp} copies of the model take ${batch.grad_accum_steps} micro-batches of a step each`]
      : []),
    ...(tp > 1
      ? [`every matrix is sharded over ${tp}${sequence ? ', and so are the activations between them' : ''}`]
      : []),
    ...(pp > 1 ? [`the layers into ${pp} stages of ${layers}`] : []),
    ...(zero > 0
      ? [
          `ZeRO ${zero} partitions ${['', 'optimizer states', 'optimizer states and gradients', 'optimizer states, gradients and weights'][zero]}`,
        ]
      : []),
  ];
  return [`It runs on ${worldSize} ranks: ${parts.join(', ')}.`];
}

function memorySentence(memory: RunPreview['memory'], { checkpointing }: LayoutForecast): string {
  const { weightsBytes, gradientsBytes, optimizerBytes, activationsBytes } = memory;
  const parts = `weights ${gib(weightsBytes)}, gradients ${gib(gradientsBytes)}, optimizer ${gib(optimizerBytes)}, activations ${gib(activationsBytes)}`;
  const remade = checkpointing === 'off' ? '' : `, with activation checkpointing "${checkpointing}"`;
  return `It needs about ${gib(memory.totalBytes)} of memory (${parts})${remade}; ${gib(memory.availableBytes)} are free.`;
}

function rowCounts(subject: Subject, lengths: RowLengths | null) {
  const { spec, train } = subject;
  const { eval_fraction } = spec.dataset;
  const { max_rows } = spec.evaluation;
  const split = splitRows(train.card.rows, subject.eval === null ? eval_fraction : 0, SPLIT_SEED, max_rows);
  const own = subject.eval === null ? split : splitEvaluation(subject.eval.card.rows, SPLIT_SEED, max_rows);
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
  wait: WaitForLengths,
): Promise<Previewed> {
  const { spec, model } = subject;
  const findings: Findings = { issues: [], warnings: [] };
  const lengths = await measured(subject, 'train', context, wait, findings);
  const own = await measured(subject, 'eval', context, wait, findings);
  if (own !== null)
    unusableFindings(own.unusable, subject.eval?.card.rows ?? 0, spec, findings, 'Evaluation data: ');
  if (lengths !== null) {
    const data = dataFindings(tokenStats(lengths, spec.batch.seq_len), lengths, spec);
    findings.issues.push(...data.issues);
    findings.warnings.push(...data.warnings);
  }
  const { documents, trainRows, evalRows } = rowCounts(subject, lengths);
  if (documents?.length === 0 && findings.issues.length === 0) findings.issues.push(allHeldOut(spec));
  const steps: Steps | null =
    documents === null || documents.length === 0
      ? stepsFromRows(trainRows, spec)
      : exactSteps(documents, spec, context.planner);
  const forecast = await forecastOf(
    subject,
    forMemory(subject, subject.eval === null ? [lengths] : [lengths, own]),
    context,
  );
  const { memory } = forecast;
  if (memory.verdict !== 'fits') findings.warnings.push(memoryWarning(memory, spec));
  const preview = {
    modelName: model.card.name,
    trainRows,
    evalRows,
    stepsPerEpoch: steps?.perEpoch ?? null,
    totalSteps: steps?.total ?? null,
    globalBatch: globalBatch(spec),
    ...forecast,
    time: await timeOf(subject, documents, { totalSteps: steps?.total ?? null, evalRows }, context),
    beside: [],
  };
  return { preview: { ...preview, summary: summarize(subject, preview), warnings: [] }, findings };
}

/** Every row with something to train on happens to be held out. */
const allHeldOut = (spec: RunSpec): SpecIssue => ({
  path: 'dataset.eval_fraction',
  code: 'dataset.all_masked',
  message: `Nothing is left to train on: the rows that are not held out have no answer token within ${spec.batch.seq_len} tokens.`,
  received: spec.dataset.eval_fraction,
  suggestion: 'Raise batch.seq_len, lower this share, or choose another seed.',
});

function memoryWarning(
  { totalBytes, availableBytes, verdict }: RunPreview['memory'],
  { activation_checkpointing: level }: RunSpec,
): SpecIssue {
  const raise = level === 'auto' || level === 'full' ? '' : ', set activation_checkpointing to auto';
  const need = `The run needs about ${gib(totalBytes)} of memory, ${gib(availableBytes)} are free`;
  return {
    path: 'batch.micro_batch_size',
    code: 'memory.insufficient',
    message: verdict === 'tight' ? `${need}: it is tight.` : `${need}: it does not fit.`,
    received: totalBytes,
    suggestion: `Lower batch.micro_batch_size or batch.seq_len${raise}, or close other programs.`,
  };
}
