/**
 * `collie quickstart`: a fine-tuned adapter in minutes, headless, from nothing. Each step finds what an earlier call has done
 * and skips it; each failure names the step, the cause and the next thing to do.
 */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import pc from 'picocolors';
import type { Host } from '../server/host.ts';
import { fetchStarterModel } from '../server/models/starter.ts';
import { installRoot } from '../server/native/addon.ts';
import { isLive } from '../server/runs/status.ts';
import { type DatasetCard, type ModelCard, presetSchema } from '../shared/api/entities.ts';
import type { ExportRecord } from '../shared/api/export-record.ts';
import { CollieError, toErrorInfo } from '../shared/errors.ts';
import type { RunStatus } from '../shared/runs/events.ts';
import { mappingSchema } from '../shared/spec/run-spec.ts';
import { answerBoth } from './ask.ts';
import { chooseDevice } from './device.ts';
import { describeRun, followRun } from './follow-run.ts';
import { printJson } from './output.ts';
import { Progress } from './progress.ts';
import { followJob, withHost } from './session.ts';

export interface QuickstartFlags {
  again: boolean;
  json: boolean;
}

const MAPPING = mappingSchema.parse({ kind: 'prompt_answer', prompt: 'prompt', answer: 'answer' });
/** A fact of the invented product of the sample data, in words of the held-out part. */
const QUESTION = 'What would a Fernlight cost me?';

export async function quickstartCommand(flags: QuickstartFlags): Promise<void> {
  const begun = Date.now();
  await withHost(async (host) => {
    const model = await step(1, 'Starter model', () => starterModel(host));
    const data = await step(2, 'Sample dataset', () => sampleData(host));
    const run = await step(3, 'Fine-tuning', () => train(host, model, data, flags.again));
    const answers = await step(4, 'Base and tuned model, one question', () => compare(host, model, run));
    const record = await step(5, 'Adapter', () => exportAdapter(host, run));
    const seconds = (Date.now() - begun) / 1000;
    if (flags.json) printJson({ run, answers, export: record, seconds });
    else printResult(run, record, seconds);
  });
}

const STEPS = 5;

/** Says what begins; a failure gets the step's name in front and keeps its code and its next thing to do. */
async function step<T>(number: number, title: string, work: () => Promise<T>): Promise<T> {
  process.stderr.write(`${pc.bold(`[${number}/${STEPS}] ${title}`)}\n`);
  try {
    return await work();
  } catch (thrown) {
    const { code, message, hint, data } = toErrorInfo(thrown);
    const next = hint || 'Then call `npm run quickstart` again: what is done is kept.';
    throw new CollieError(code, `Step ${number} of ${STEPS} (${title}) failed: ${message}`, next, data);
  }
}

const done = (text: string) => process.stderr.write(`      ${text}\n`);

async function starterModel(host: Host): Promise<ModelCard> {
  const progress = new Progress();
  const abort = new AbortController();
  const cancel = () => abort.abort();
  process.once('SIGINT', cancel);
  const { models, home } = host.services;
  try {
    const show = (fraction: number | null, title: string) =>
      progress.show({ title, fraction, etaSeconds: null, details: [] });
    const card = await fetchStarterModel(models, join(home, 'cache', 'starter'), show, abort.signal);
    progress.end();
    done(`${card.name}, ${Math.round(card.parameters / 1e6)} M parameters, in ${card.path}`);
    return card;
  } finally {
    process.removeListener('SIGINT', cancel);
    progress.end();
  }
}

interface SampleData {
  train: DatasetCard;
  heldOut: DatasetCard;
}

async function sampleData(host: Host): Promise<SampleData> {
  const folder = join(installRoot(), 'assets/quickstart');
  const train = await importOnce(host, join(folder, 'train.jsonl'), 'Quickstart');
  const heldOut = await importOnce(host, join(folder, 'heldout.jsonl'), 'Quickstart held out');
  done(`${train.rows} rows to train on, ${heldOut.rows} held out`);
  return { train, heldOut };
}

/** The dataset of this file in the library; imported when it is not there, or when the file has been changed since. */
async function importOnce(host: Host, path: string, name: string): Promise<DatasetCard> {
  const changedAt = statSync(path).mtime.toISOString();
  const cards = await host.call('datasets.list', {});
  const known = cards.find((card) => card.source === path && card.importedAt >= changedAt);
  if (known) return known;
  const { jobId } = await host.call('datasets.import', { path, name });
  return followJob<DatasetCard>(host, jobId);
}

async function train(host: Host, model: ModelCard, data: SampleData, again: boolean): Promise<RunStatus> {
  const { device, why } = await chooseDevice((await host.call('system.info', {})).devices);
  done(why);
  const spec = { ...quickstartSpec(model, data), device };
  const { resolved, issues } = await host.call('spec.validate', { spec });
  if (!resolved)
    throw new CollieError('spec.invalid', 'The quickstart preset does not fit here.', '', { issues });
  const before = again ? null : earlierRun(host, JSON.stringify(resolved));
  if (before?.state === 'completed') {
    done(`done before: ${describeRun(before)}`);
    return before;
  }
  const id = before ? before.id : (await host.call('runs.start', { spec })).id;
  if (before && !isLive(before)) await host.call('runs.resume', { id });
  done(`run ${id}`);
  const status = await followRun(host, id);
  if (status.error) throw CollieError.fromInfo(status.error);
  if (status.state === 'stopped') {
    throw new CollieError(
      'job.cancelled',
      'The run was stopped.',
      'Call `npm run quickstart` again: it goes on from there.',
    );
  }
  done(describeRun(status));
  return status;
}

function quickstartSpec(model: ModelCard, { train: rows, heldOut }: SampleData): Record<string, unknown> {
  const path = join(installRoot(), 'assets/presets/quickstart.json');
  const preset = presetSchema.parse(JSON.parse(readFileSync(path, 'utf8')));
  const dataset = { train: `library:${rows.id}`, eval: `library:${heldOut.id}`, mapping: MAPPING };
  return { ...preset.spec, model: `library:${model.id}`, dataset };
}

/** The newest run of the same settings: complete, live, or one that can go on. */
function earlierRun(host: Host, wanted: string): RunStatus | null {
  const { runs } = host.services;
  const same = runs.list().filter((run) => {
    try {
      return JSON.stringify(runs.spec(run.id)) === wanted;
    } catch {
      return false;
    }
  });
  return same.find((run) => run.state === 'completed') ?? same[0] ?? null;
}

async function compare(
  host: Host,
  model: ModelCard,
  run: RunStatus,
): Promise<{ base: string; tuned: string }> {
  const progress = new Progress();
  progress.show({ title: 'Loading both models', fraction: null, etaSeconds: null, details: [] });
  const answers = await answerBoth(host, model.id, run.id, QUESTION).finally(() => progress.end());
  done(pc.bold(QUESTION));
  for (const [name, text] of Object.entries(answers)) {
    done(pc.dim(`${name}:`));
    for (const line of text.trim().split('\n')) done(`  ${line}`);
  }
  return answers;
}

async function exportAdapter(host: Host, run: RunStatus): Promise<ExportRecord> {
  const known = (await host.call('exports.list', {})).find(
    (record) => record.runId === run.id && record.kind === 'adapter' && record.checkpoint === run.checkpoint,
  );
  if (known) return known;
  const { jobId } = await host.call('exports.start', { runId: run.id, kind: 'adapter' });
  return followJob<ExportRecord>(host, jobId);
}

function printResult(run: RunStatus, record: ExportRecord, seconds: number): void {
  process.stdout.write(
    [
      '',
      `${pc.green('Done')} in ${Math.round(seconds)} s.`,
      `adapter   ${record.path}`,
      `run       ${run.id}`,
      `workbench npm start, then open the run "${run.name}"`,
      '',
    ].join('\n'),
  );
}
