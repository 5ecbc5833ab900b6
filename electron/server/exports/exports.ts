/** Exporting a checkpoint: the rank writes the weights, we add what other tools need to load them. */
import { spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { copyFileSync, existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { type ExportRecord, exportRecordSchema } from '../../shared/api/export-record.ts';
import { CollieError } from '../../shared/errors.ts';
import { checkpointStep, runFiles } from '../../shared/runs/run-folder.ts';
import { exportRefusal } from '../../shared/spec/method-traits.ts';
import { keepTail, readLines } from '../files/lines.ts';
import { buildBeside, renameUnlessTaken } from '../files/publish.ts';
import { writeTextSync } from '../files/write.ts';
import type { JobContext } from '../jobs/jobs.ts';
import { writeChecksums } from '../rank/checksums.ts';
import { diedError, requireRank } from '../rank/rank.ts';
import { chooseCheckpoint } from '../runs/checkpoints.ts';
import { folderBytes, writeJsonAtomic } from '../runs/folder.ts';
import type { RunRegistry } from '../runs/registry.ts';
import { templateOf } from '../tokenize/files.ts';
import { modelCard } from './model-card.ts';

export interface ExportRequest {
  runId: string;
  /** Empty: the newest. */
  checkpoint: string;
  kind: ExportRecord['kind'];
  /** Folder that does not exist yet, or is empty. Empty: runs/<id>/export/<kind>-<step>. */
  destination: string;
}

/** What the export finds out before it starts: errors of the request are thrown here, not in the job. */
export interface ExportPlan {
  request: ExportRequest;
  runDir: string;
  checkpoint: string;
  destination: string;
}

const RECORDS = 'records';
/** All in one list, as older versions kept them. */
const OLD_RECORDS = 'exports.json';
const progressSchema = z.object({ progress: z.number() });

/** Files of the base model's folder that belong to its tokenizer or its way of answering. */
const COMPANIONS = [
  'tokenizer.json',
  'tokenizer_config.json',
  'special_tokens_map.json',
  'added_tokens.json',
  'vocab.json',
  'merges.txt',
  'tokenizer.model',
  'chat_template.jinja',
  'generation_config.json',
];

/** Throws checkpoint.not_found, request.invalid (a kind that the method does not have), path.exists, engine.not_built. */
export function planExport(registry: RunRegistry, request: ExportRequest): ExportPlan {
  requireRank();
  const runDir = registry.dir(request.runId);
  const checkpoint = chooseCheckpoint(runDir, request.runId, request.checkpoint);
  const refusal = exportRefusal(registry.spec(request.runId).method.type, request.kind);
  if (refusal) {
    const { runId, kind } = request;
    throw new CollieError('request.invalid', `Run ${runId}: ${refusal.reason}`, refusal.way, { runId, kind });
  }
  const usual = join(runDir, runFiles.exportDir, `${request.kind}-${checkpointStep(checkpoint)}`);
  const destination = request.destination === '' ? usual : resolve(request.destination);
  if (request.destination !== '' && !isFree(destination)) throw pathExists(destination);
  return { request, runDir, checkpoint, destination };
}

/** Writes beside the destination, then renames: a cancelled or failed export leaves nothing behind. */
export async function runExport(
  registry: RunRegistry,
  plan: ExportPlan,
  context: JobContext,
): Promise<ExportRecord> {
  const { request } = plan;
  const building = buildBeside(plan.destination);
  try {
    await exportWeights(plan, building, context);
    context.progress(0.99, 'Adding tokenizer and model card');
    const spec = registry.spec(request.runId);
    await copyCompanions(spec.model, building);
    const card = {
      kind: request.kind,
      checkpoint: plan.checkpoint,
      spec,
      status: registry.status(request.runId),
    };
    writeTextSync(join(building, 'README.md'), modelCard(card));
    await writeChecksums(building, context.signal);
    return publish(plan, building);
  } finally {
    rmSync(building, { recursive: true, force: true });
  }
}

/** Gives the export its place: the one that was asked for, or the first free one of this run. */
function publish(plan: ExportPlan, building: string): ExportRecord {
  const { destination } = plan;
  const places = plan.request.destination === '' ? numbered(destination) : [destination];
  for (const place of places) {
    const record = recordOf(plan, place, folderBytes(building));
    writeJsonAtomic(join(building, 'export.json'), record);
    if (!renameUnlessTaken(building, place)) continue;
    remember(plan.runDir, record);
    return record;
  }
  throw pathExists(destination);
}

function recordOf(plan: ExportPlan, path: string, sizeBytes: number): ExportRecord {
  const { runId, kind } = plan.request;
  const createdAt = new Date().toISOString();
  return { runId, checkpoint: plan.checkpoint, kind, path, sizeBytes, createdAt };
}

function exportWeights(plan: ExportPlan, out: string, context: JobContext): Promise<void> {
  const { runDir, checkpoint, request } = plan;
  context.progress(0, `Writing ${request.kind === 'adapter' ? 'the adapter' : 'merged weights'}`);
  const args = ['export', '--run', runDir, '--checkpoint', checkpoint, '--kind', request.kind, '--out', out];
  return new Promise((resolve, reject) => {
    const child = spawn(requireRank(), args, { stdio: ['ignore', 'pipe', 'pipe'], signal: context.signal });
    const stderr = keepTail(child.stderr, 8_000);
    readLines(child.stdout, (line) => {
      const parsed = progressSchema.safeParse(safeJson(line));
      if (parsed.success) context.progress(parsed.data.progress * 0.98);
    });
    // After an abort the program is still ending: its folder is ours again once it has closed.
    child.on('error', (error) => child.pid === undefined && reject(error));
    child.once('close', (code, signal) =>
      code === 0 ? resolve() : reject(diedError(code, signal, stderr())),
    );
  });
}

async function copyCompanions(modelPath: string, folder: string): Promise<void> {
  // One that is built in here, or stands where only some programs look.
  const template = await templateOf(modelPath).catch(() => null);
  if (template && !COMPANIONS.includes(template.place))
    writeTextSync(join(folder, 'chat_template.jinja'), template.text);
  for (const name of COMPANIONS) {
    const from = join(modelPath, name);
    if (existsSync(from) && !existsSync(join(folder, name))) copyFileSync(from, join(folder, name));
  }
}

/** One file a record: exports that end at once do not overwrite each other's. */
function remember(runDir: string, record: ExportRecord): void {
  const folder = join(runDir, runFiles.exportDir, RECORDS);
  mkdirSync(folder, { recursive: true });
  writeJsonAtomic(join(folder, `${randomUUID()}.json`), record);
}

/** All exports that still exist, newest first. */
export function listExports(registry: RunRegistry): ExportRecord[] {
  const all = registry.ids().flatMap((id) => recordsOf(registry.dir(id)));
  const present = all.filter((record) => existsSync(record.path));
  return present.sort((left, right) => right.createdAt.localeCompare(left.createdAt));
}

function recordsOf(runDir: string): ExportRecord[] {
  const folder = join(runDir, runFiles.exportDir);
  const list = safeJson(readText(join(folder, OLD_RECORDS)));
  const all: unknown[] = Array.isArray(list) ? list : [];
  for (const name of namesIn(join(folder, RECORDS)))
    all.push(safeJson(readText(join(folder, RECORDS, name))));
  const records = all.flatMap((value) => exportRecordSchema.safeParse(value).data ?? []);
  // Of two at one place, the newer is what lies there.
  return [...new Map(records.map((record) => [record.path, record])).values()];
}

function namesIn(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder).filter((name) => name.endsWith('.json')) : [];
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A second export of the same checkpoint gets its own folder. */
function* numbered(path: string): Generator<string> {
  yield path;
  for (let suffix = 2; suffix < 10_000; suffix += 1) yield `${path}-${suffix}`;
}

/** Nothing is there, or an empty folder. A file is not free either. */
function isFree(path: string): boolean {
  const info = lstatSync(path, { throwIfNoEntry: false });
  return info === undefined || (info.isDirectory() && readdirSync(path).length === 0);
}

function pathExists(path: string): CollieError {
  const hint = 'Name a folder that does not exist yet, or an empty one.';
  return new CollieError(
    'path.exists',
    `${path} is a file or not empty; an export overwrites nothing.`,
    hint,
    {
      path,
    },
  );
}
