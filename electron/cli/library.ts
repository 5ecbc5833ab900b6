/** `collie models ...`, `collie datasets ...`, `collie runs ...`, `collie export ...`. */
import { resolve } from 'node:path';
import pc from 'picocolors';
import { tokenStats } from '../server/datasets/lengths.ts';
import { unusedSentences } from '../server/datasets/unused.ts';
import { loadTokenizer } from '../server/tokenize/apart-tokenizer.ts';
import type { DatasetCard, DatasetPreview, ModelCard, TokenStats } from '../shared/api/entities.ts';
import type { ExportRecord } from '../shared/api/export-record.ts';
import { unusableSentences } from '../shared/api/unusable-rows.ts';
import { CollieError } from '../shared/errors.ts';
import { formatBytes, printJson, printTable } from './output.ts';
import { Progress } from './progress.ts';
import { followJob, withHost } from './session.ts';

export async function listModels(json: boolean): Promise<void> {
  await withHost(async (host) => {
    const cards = await host.call('models.list', {});
    if (json) return printJson(cards);
    const rows = cards.map((card) => [
      card.id,
      card.family,
      count(card.parameters),
      card.dtype,
      formatBytes(card.sizeBytes),
      card.problem?.code ?? 'ok',
    ]);
    printTable([['ID', 'FAMILY', 'PARAMETERS', 'DTYPE', 'SIZE', 'STATE'], ...rows]);
  });
}

export async function importModel(path: string, name: string, json: boolean): Promise<void> {
  await withHost(async (host) => {
    const { jobId } = await host.call('models.import', { path, name });
    const card = await followJob<ModelCard>(host, jobId);
    if (json) return printJson(card);
    process.stdout.write(
      `${card.id}: ${card.family}, ${count(card.parameters)} parameters, in ${card.path}\n`,
    );
    for (const note of card.notes) process.stdout.write(`${pc.yellow('note')} ${note}\n`);
    if (card.problem) process.stdout.write(`${pc.yellow('cannot be trained')}: ${card.problem.message}\n`);
  });
}

export async function showModelFit(id: string, json: boolean): Promise<void> {
  await withHost(async (host) => {
    const fit = await host.call('models.fit', { id });
    if (json) return printJson(fit);
    const words = { fits: 'fits', tight: 'tight', does_not_fit: 'does not fit' };
    const rows = fit.methods.map(({ title, totalBytes, verdict, refusal }) =>
      totalBytes === null || verdict === null
        ? [title, '-', refusal ?? '']
        : [title, formatBytes(totalBytes), words[verdict]],
    );
    printTable([['METHOD', 'MEMORY', 'VERDICT'], ...rows]);
    process.stdout.write(
      `Forecast with AdamW, one sequence of ${fit.seqLen} tokens at a time, of ${formatBytes(fit.availableBytes)} on ${fit.device}.\n`,
    );
  });
}

export async function listDatasets(json: boolean): Promise<void> {
  await withHost(async (host) => {
    const cards = await host.call('datasets.list', {});
    if (json) return printJson(cards);
    const rows = cards.map((card) => [
      card.id,
      card.format,
      String(card.rows),
      formatBytes(card.sizeBytes),
      mappingText(card),
    ]);
    printTable([['ID', 'FORMAT', 'ROWS', 'SIZE', 'COLUMNS'], ...rows]);
  });
}

/** As the flags of `collie datasets import` say. */
export interface ImportFlags {
  name: string;
  encoding: 'utf-8' | 'windows-1252';
  ragged: 'refuse' | 'leave_out';
  unusable: 'keep' | 'leave_out';
  preview: boolean;
  json: boolean;
}

export async function importDataset(path: string, flags: ImportFlags): Promise<void> {
  const { json, preview, ...choices } = flags;
  if (preview) return previewDataset(path, choices, json);
  await withHost(async (host) => {
    const { jobId } = await host.call('datasets.import', { path, ...choices });
    const card = await followJob<DatasetCard>(host, jobId);
    if (json) return printJson(card);
    process.stdout.write(`${card.id}: ${card.rows} rows, ${mappingText(card)}\n`);
    printNotes(card);
  });
}

async function previewDataset(
  path: string,
  { encoding, ragged }: Pick<ImportFlags, 'encoding' | 'ragged'>,
  json: boolean,
): Promise<void> {
  await withHost(async (host) => {
    const { jobId } = await host.call('datasets.preview', { path, encoding, ragged });
    const found = await followJob<DatasetPreview>(host, jobId);
    if (json) return printJson(found);
    process.stdout.write(`${found.format}, ${found.rows} rows, ${formatBytes(found.sizeBytes)}\n`);
    printTable([['COLUMN', 'TYPE'], ...found.columns.map(({ name, type }) => [name, type])]);
    process.stdout.write(`${mappingText(found)}\n`);
    const problems = unusableSentences(found.unusable, found.rows);
    for (const sentence of [...found.notes, ...problems, ...found.unused])
      process.stdout.write(`${sentence}\n`);
  });
}

/** What was changed while reading, and what the mapping does not use. */
function printNotes(card: DatasetCard): void {
  const unused = card.mapping === null ? [] : unusedSentences(card, card.mapping);
  for (const sentence of [...card.notes, ...unused]) process.stdout.write(`${sentence}\n`);
}

export interface InspectFlags {
  json: boolean;
  model?: string;
  seqLen: number;
}

/** Looks at a data file (or `library:<id>`) without importing it into the library. */
export async function inspectDataset(reference: string, flags: InspectFlags): Promise<void> {
  await withHost(async (host) => {
    const { datasets } = host.services;
    const source = await datasets.library.resolve(reference);
    const { card } = source;
    let stats: TokenStats | null = null;
    if (flags.model !== undefined) {
      if (!card.mapping) throw noMapping(card);
      const tokenizer = await loadTokenizer(
        await modelFolder(flags.model, (id) => host.services.models.get(id)),
      );
      const format = { mapping: card.mapping, systemPrompt: '' };
      const progress = new Progress();
      const lengths = await datasets.lengths.measure(source, format, tokenizer, {
        onProgress: (fraction) =>
          progress.show({ title: 'Counting tokens', fraction, etaSeconds: null, details: [] }),
      });
      progress.end();
      stats = tokenStats(lengths, flags.seqLen);
    }
    if (flags.json) return printJson({ card, stats });
    printDataset(card, stats, flags.seqLen);
  });
}

/** A model of the library by id, or a folder. */
async function modelFolder(wish: string, get: (id: string) => Promise<ModelCard>): Promise<string> {
  if (wish.includes('/') || wish === '.') return resolve(wish);
  return (await get(wish.replace(/^library:/, ''))).path;
}

function printDataset(card: DatasetCard, stats: TokenStats | null, seqLen: number): void {
  process.stdout.write(`${card.name}: ${card.format}, ${card.rows} rows, ${formatBytes(card.sizeBytes)}\n`);
  printTable([['COLUMN', 'TYPE'], ...card.columns.map(({ name, type }) => [name, type])]);
  process.stdout.write(`${mappingText(card)}\n`);
  printNotes(card);
  if (!stats) return;
  const rowCount = stats.rows + stats.unusable.reduce((sum, { rows: n }) => sum + n, 0);
  for (const sentence of unusableSentences(stats.unusable, rowCount)) process.stdout.write(`${sentence}\n`);
  const rows: [string, string][] = [
    ['tokens', `${stats.tokens}, ${stats.trainedTokens} of them answers`],
    [
      'tokens a row',
      `${stats.min} to ${stats.max}, mean ${stats.mean.toFixed(1)}, median ${stats.p50}, 95% up to ${stats.p95}`,
    ],
    [`longer than ${seqLen}`, String(stats.tooLong)],
    ['without an answer', String(stats.allMasked)],
    ['end of answer cut', String(stats.endCutOff)],
  ];
  printTable([['TOKENS', ''], ...rows]);
}

function mappingText({ mapping }: Pick<DatasetCard, 'mapping'>): string {
  if (!mapping) return 'no columns fit: choose them with dataset.mapping';
  return mapping.kind === 'chat' ? `chat in ${mapping.messages}` : `${mapping.prompt} -> ${mapping.answer}`;
}

export async function listRuns(json: boolean): Promise<void> {
  await withHost(async (host) => {
    const runs = await host.call('runs.list', {});
    if (json) return printJson(runs);
    const rows = runs.map((run) => [
      run.id,
      run.state,
      `${run.step}/${run.totalSteps ?? '?'}`,
      run.lastEvalLoss?.toFixed(3) ?? '',
      run.name,
    ]);
    printTable([['ID', 'STATE', 'STEP', 'EVAL LOSS', 'NAME'], ...rows]);
  });
}

export async function stopRun(id: string, json: boolean): Promise<void> {
  await withHost(async (host) => {
    await host.call('runs.stop', { id });
    if (json) return printJson({ id });
    process.stdout.write(`${id} saves a checkpoint and ends\n`);
  });
}

export interface ExportFlags {
  json: boolean;
  kind: 'adapter' | 'merged';
  checkpoint: string;
  out: string;
}

export async function exportRun(runId: string, flags: ExportFlags): Promise<void> {
  await withHost(async (host) => {
    const { checkpoint, kind, out } = flags;
    const { jobId } = await host.call('exports.start', { runId, checkpoint, kind, destination: out });
    const record = await followJob<ExportRecord>(host, jobId);
    if (flags.json) return printJson(record);
    process.stdout.write(
      `${record.kind} of ${record.checkpoint}: ${record.path} (${formatBytes(record.sizeBytes)})\n`,
    );
  });
}

function count(value: number): string {
  const [divisor, unit] = value >= 1e9 ? [1e9, 'B'] : value >= 1e6 ? [1e6, 'M'] : [1e3, 'K'];
  return `${(value / divisor).toFixed(value >= 1e9 ? 2 : 1)}${unit}`;
}

/** Of a command that has to know the columns. */
export function noMapping(card: DatasetCard): CollieError {
  const names = card.columns.map(({ name }) => name).join(', ');
  return new CollieError(
    'dataset.missing_column',
    `Which columns of ${card.name} hold prompt and answer is not clear: it has ${names}.`,
    'Import it, and set the mapping in the workbench.',
  );
}
