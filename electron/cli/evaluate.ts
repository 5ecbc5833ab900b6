/** `collie evaluate`: the sets that are named, on a checkpoint of a run or on a base model. */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import pc from 'picocolors';
import { expandHome } from '../server/files/files.ts';
import { decodeText } from '../server/files/text.ts';
import type { Host } from '../server/host.ts';
import type { MethodParams } from '../shared/api/api.ts';
import { CollieError } from '../shared/errors.ts';
import { metricInfo } from '../shared/runs/metrics.ts';
import { benchmarkEvaluator, type TaskName, taskNames } from '../shared/spec/tasks.ts';
import { followRun } from './follow-run.ts';
import { printJson, printTable } from './output.ts';
import { report } from './run.ts';
import { withHost } from './session.ts';
import { allowing } from './trust.ts';

export interface EvaluateFlags {
  json: boolean;
  run?: string;
  checkpoint?: string;
  model?: string;
  sets?: string;
  task: string[];
  maxRows?: number;
  heldOut: boolean;
  name: string;
  device?: 'cpu' | 'cuda';
  precision?: 'bf16' | 'fp32';
  seqLen?: number;
  batchSize?: number;
  allowJudge: string[];
  detach: boolean;
}

type EvaluationRequest = MethodParams<'evaluations.start'>;
type Json = Record<string, unknown>;

export async function evaluateCommand(flags: EvaluateFlags): Promise<void> {
  const request = requestOf(flags);
  await withHost(async (host) => {
    const { id } = await allowing(host, flags, () => host.call('evaluations.start', request));
    const { path } = await host.call('runs.get', { id });
    process.stderr.write(pc.dim(`evaluation ${id} in ${path}\n`));
    if (flags.detach) {
      if (flags.json) printJson({ id, path });
      else process.stdout.write(`${id}\n`);
      return;
    }
    const status = await followRun(host, id);
    if (status.state !== 'completed') return report(status, path, flags.json);
    await printResults(host, id, path, flags.json);
  });
}

/** Throws request.invalid for flags that do not go together. */
export function requestOf(flags: EvaluateFlags): EvaluationRequest {
  const { run, model, checkpoint, device, precision, seqLen, batchSize, heldOut, name } = flags;
  if ((run === undefined) === (model === undefined))
    throw invalid('Say what is to be evaluated.', 'Give either --run with the id of a run, or --model.');
  if (checkpoint !== undefined && run === undefined)
    throw invalid('--checkpoint goes with --run: a base model has none.', '');
  if (flags.maxRows !== undefined && flags.sets === undefined && flags.task.length === 0)
    throw invalid("--max-rows goes with --sets or --task: a run's own sets have theirs.", '');
  const settings = Object.entries({ device, precision, seqLen, batchSize }).filter(
    ([, value]) => value !== undefined,
  );
  const named = flags.sets !== undefined || flags.task.length > 0;
  const sets = [...(flags.sets === undefined ? [] : readSets(flags.sets)), ...flags.task.map(taskSet)];
  return {
    of: run !== undefined ? { run, checkpoint: checkpoint ?? '' } : { model: model ?? '' },
    sets: named ? withRows(sets, flags.maxRows) : null,
    heldOut,
    name,
    settings: Object.fromEntries(settings),
  };
}

const withRows = (sets: Json[], most: number | undefined) =>
  most === undefined ? sets : sets.map((set) => ({ ...set, max_rows: most }));

/** A list of sets, or a spec that has some. Relative paths start at the folder of the file. */
function readSets(path: string): Json[] {
  const file = resolve(path);
  let parsed: unknown;
  try {
    parsed = JSON.parse(decodeText(readFileSync(file)));
  } catch (error) {
    throw invalid(
      `${path} cannot be read as JSON: ${(error as Error).message}`,
      'Give a file with a list of sets.',
    );
  }
  const sets = Array.isArray(parsed) ? parsed : (parsed as { evaluation?: Json } | null)?.evaluation?.sets;
  if (!Array.isArray(sets) || sets.length === 0)
    throw invalid(`${path} has no evaluation sets.`, 'Give a list of sets, or a spec with evaluation.sets.');
  return sets.map((set: Json) => ({ ...set, data: absolute(set?.data, dirname(file)) }));
}

const absolute = (data: unknown, base: string) =>
  typeof data !== 'string' || data.startsWith('library:') ? data : resolve(base, expandHome(data));

/** `arc=arc-easy.jsonl`: a benchmark's file as it is. */
function taskSet(text: string): Json {
  const [task = '', path = ''] = [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)];
  if (!(taskNames as string[]).includes(task) || path === '')
    throw invalid(`--task ${text} is not task=file.`, `Tasks are ${taskNames.join(', ')}.`);
  return {
    name: task,
    task,
    data: absolute(path, process.cwd()),
    evaluator: benchmarkEvaluator(task as TaskName),
  };
}

/** A line a metric of every set. */
async function printResults(host: Host, id: string, path: string, json: boolean): Promise<void> {
  const { evals } = await host.services.series.get(host.services.runs.dir(id));
  const results = Object.entries(evals).map(([set, points]): [string, [string, number][]] => [
    set,
    points.names.map((name) => [name, points.at(name, points.length - 1)]),
  ]);
  if (json)
    return printJson({
      id,
      path,
      results: Object.fromEntries(results.map(([set, all]) => [set, Object.fromEntries(all)])),
    });
  const rows = results.flatMap(([set, all]) =>
    all.map(([name, value]) => [set, metricInfo(name).title, shown(value)]),
  );
  printTable([['SET', 'METRIC', 'VALUE'], ...rows]);
}

const shown = (value: number) => (Number.isInteger(value) ? String(value) : value.toPrecision(6));

const invalid = (message: string, hint: string) => new CollieError('request.invalid', message, hint);
